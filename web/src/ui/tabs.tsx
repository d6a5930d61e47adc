// One of several: a row of buttons, one of them pressed.

interface TabsProps<Name extends string> {
  label: string
  names: readonly Name[]
  chosen: Name
  choose: (name: Name) => void
  titles?: Partial<Record<Name, string>>
}

export function Tabs<Name extends string>({ label, names, chosen, choose, titles = {} }: TabsProps<Name>) {
  return (
    <div className="tabs" role="group" aria-label={label}>
      {names.map((name) => (
        <button key={name} type="button" aria-pressed={name === chosen} onClick={() => choose(name)}>
          {titles[name] ?? name}
        </button>
      ))}
    </div>
  )
}
