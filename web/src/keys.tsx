// Keys of the whole desk, and the list of them behind `?`.

import { useEffect, useState } from 'react'
import { go } from './router'
import { SECTIONS } from './sections'
import { Dialog } from './ui/dialog'
import { nextChoice } from './ui/theme'

const HELD_MS = 1200

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input, textarea, select, dialog') !== null
}

export function Keys() {
  const [isShown, setShown] = useState(false)
  useEffect(() => {
    let leadAt = 0
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      const isSecond = Date.now() - leadAt < HELD_MS
      leadAt = 0
      const section = isSecond ? SECTIONS.find((each) => each.key === event.key) : undefined
      if (section) go(section.href)
      else if (event.key === 'g') leadAt = Date.now()
      else if (event.key === '?') setShown(true)
      else if (event.key === 'D') nextChoice()
      else if (event.key === '/') focus('[data-key="search"]')
      else if (event.key === 'H') click('[data-key="halt"]')
      else return
      event.preventDefault()
    }
    window.addEventListener('keydown', press)
    return () => window.removeEventListener('keydown', press)
  }, [])
  if (!isShown) return null
  return (
    <Dialog title="Keys" onClose={() => setShown(false)}>
      <dl className="keys">
        {SECTIONS.map((each) => (
          <div key={each.id}><dt><kbd>g</kbd> <kbd>{each.key}</kbd></dt><dd>{each.name}</dd></div>
        ))}
        <div><dt><kbd>H</kbd></dt><dd>Halt the book in sight (asks first)</dd></div>
        <div><dt><kbd>/</kbd></dt><dd>Search, where a page has one</dd></div>
        <div><dt><kbd>D</kbd></dt><dd>Dark, light, as the system</dd></div>
        <div><dt><kbd>?</kbd></dt><dd>This list</dd></div>
        <div><dt><kbd>Esc</kbd></dt><dd>Leave a dialog</dd></div>
      </dl>
    </Dialog>
  )
}

function focus(where: string): void {
  document.querySelector<HTMLElement>(where)?.focus()
}

function click(where: string): void {
  document.querySelector<HTMLElement>(where)?.click()
}
