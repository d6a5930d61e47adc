// A panel of a page: a title, what is said beside it, and its content.

import { type ReactNode, useId } from 'react'

interface PanelProps {
  title: string
  aside?: ReactNode
  className?: string
  children: ReactNode
}

export function Panel({ title, aside, className = '', children }: PanelProps) {
  const id = useId()
  return (
    <section className={`panel ${className}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside && <div className="aside">{aside}</div>}
      </header>
      {children}
    </section>
  )
}

interface FigureProps {
  label: string
  title?: string
  children: ReactNode
  note?: ReactNode
}

/** One figure with its name above, and what puts it in proportion below. */
export function Figure({ label, title, note, children }: FigureProps) {
  return (
    <div className="figure" title={title}>
      <dt>{label}</dt>
      <dd>{children}</dd>
      {note !== undefined && <dd className="note">{note}</dd>}
    </div>
  )
}
