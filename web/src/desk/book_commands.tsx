// What can be done to a book: halt at hand, flatten in two steps, the rest in a menu.

import { useState, useSyncExternalStore } from 'react'
import { allows, session } from '../api/session'
import type { BookStatus } from '../api/types'
import { type BookCommand, FLATTEN, HALT, MORE } from './commands'
import { CommandDialog } from './command_dialog'
import { TwoStepDialog } from './two_step_dialog'

export function BookCommands({ book }: { book: BookStatus }) {
  const identity = useSyncExternalStore(session.subscribe, session.snapshot)
  const [asked, setAsked] = useState<BookCommand | null>(null)
  const lacks = (command: BookCommand) => !allows(identity?.scope, command.needs)
  const path = (command: BookCommand) => `/api/books/${encodeURIComponent(book.name)}/${command.id}`
  const subject = book.is_real ? `${book.name} (real money)` : book.name
  const close = () => setAsked(null)
  return (
    <div className="commands">
      <button type="button" className="deed" data-key="halt" disabled={lacks(HALT)} aria-keyshortcuts="Shift+H"
        title={lacks(HALT) ? `Needs a key with the scope ${HALT.needs}` : HALT.effect} onClick={() => setAsked(HALT)}>
        Halt
      </button>
      <button type="button" disabled={lacks(FLATTEN)}
        title={lacks(FLATTEN) ? `Needs a key with the scope ${FLATTEN.needs}` : FLATTEN.effect} onClick={() => setAsked(FLATTEN)}>
        Flatten…
      </button>
      <select aria-label="More commands" value="" onChange={(event) => setAsked(MORE.find(({ id }) => id === event.target.value) ?? null)}>
        <option value="">More…</option>
        {MORE.map((command) => (
          <option key={command.id} value={command.id} disabled={lacks(command)}>
            {command.label}{lacks(command) ? ` (scope ${command.needs})` : ''}
          </option>
        ))}
      </select>
      {asked?.steps === 1 && <CommandDialog key={asked.id} command={asked} path={path(asked)} subject={subject} onClose={close} />}
      {asked?.steps === 2 && <TwoStepDialog command={asked} path={path(asked)} subject={subject} onClose={close} />}
    </div>
  )
}
