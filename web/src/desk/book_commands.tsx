// What can be done to a book: halt at hand, flatten in two steps, the rest in a menu.

import { useState } from 'react'
import { useLack } from '../api/session'
import type { BookStatus } from '../api/types'
import { type BookCommand, FLATTEN, HALT, MORE } from './commands'
import { CommandDialog } from './command_dialog'
import { TwoStepDialog } from './two_step_dialog'

export function BookCommands({ book }: { book: BookStatus }) {
  const [asked, setAsked] = useState<BookCommand | null>(null)
  const lackOf = useLack()
  const path = (command: BookCommand) => `/api/books/${encodeURIComponent(book.name)}/${command.id}`
  const subject = book.is_real ? `${book.name} (real money)` : book.name
  const close = () => setAsked(null)
  return (
    <div className="commands">
      <button type="button" className="deed" data-key="halt" aria-keyshortcuts="Shift+H"
        disabled={lackOf(HALT.needs) !== ''} title={lackOf(HALT.needs) || HALT.effect} onClick={() => setAsked(HALT)}>
        Halt
      </button>
      <button type="button" disabled={lackOf(FLATTEN.needs) !== ''} title={lackOf(FLATTEN.needs) || FLATTEN.effect}
        onClick={() => setAsked(FLATTEN)}>
        Flatten…
      </button>
      <select aria-label="More commands" value="" onChange={(event) => setAsked(MORE.find(({ id }) => id === event.target.value) ?? null)}>
        <option value="">More…</option>
        {MORE.map((command) => (
          <option key={command.id} value={command.id} disabled={lackOf(command.needs) !== ''}>
            {command.label}{lackOf(command.needs) ? ` (scope ${command.needs})` : ''}
          </option>
        ))}
      </select>
      {asked?.steps === 1 && <CommandDialog key={asked.id} command={asked} path={path(asked)} subject={subject} onClose={close} />}
      {asked?.steps === 2 && <TwoStepDialog command={asked} path={path(asked)} subject={subject} onClose={close} />}
    </div>
  )
}
