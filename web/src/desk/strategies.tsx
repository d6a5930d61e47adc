// The strategies of a book, each to be started, stopped, or given a risk.

import { useState, useSyncExternalStore } from 'react'
import { allows, session } from '../api/session'
import type { StrategyState } from '../api/types'
import { type Column, DataTable } from '../ui/data_table'
import { percent } from '../ui/numbers'
import type { BookCommand } from './commands'
import { CommandDialog } from './command_dialog'

const START: BookCommand = {
  id: 'start', label: 'Start', effect: 'Lets this strategy open positions again.', needs: 'trade', steps: 1, tone: 'calm',
}
const STOP: BookCommand = {
  id: 'stop', label: 'Stop', effect: 'This strategy opens no position any more. Its exits stay.', needs: 'trade', steps: 1, tone: 'calm',
}
const RISK: BookCommand = {
  id: 'risk', label: 'Set risk', effect: 'Risks at most so many basis points of equity per trade. It can only be made stricter.',
  needs: 'trade', steps: 1, tone: 'calm',
  fields: [{ name: 'bps', label: 'Basis points of equity', kind: 'number' }],
}
const PATH: Record<string, string> = { start: '/strategy/start', stop: '/strategy/stop', risk: '/risk' }

export function StrategyTable({ book, rows }: { book: string; rows: readonly StrategyState[] }) {
  const identity = useSyncExternalStore(session.subscribe, session.snapshot)
  const [asked, setAsked] = useState<{ command: BookCommand; name: string } | null>(null)
  const isBarred = !allows(identity?.scope, 'trade')
  const columns: Column<StrategyState>[] = [
    { id: 'name', head: 'Name', cell: (row) => <span title={row.symbols.join(', ')}><b>{row.name}</b></span>, value: (row) => row.name },
    { id: 'state', head: 'State', cell: (row) => row.state.toLowerCase(), value: (row) => row.state },
    { id: 'weight', head: 'Weight', isNumber: true, cell: (row) => percent(row.weight, 0), value: (row) => row.weight },
    {
      id: 'actions', head: '',
      cell: (row) => (
        <span className="row-buttons">
          {[START, STOP, RISK].map((command) => (
            <button key={command.id} type="button" className="link" disabled={isBarred} aria-label={`${command.label} ${row.name}`}
              title={isBarred ? 'Needs a key with the scope trade' : command.effect}
              onClick={() => setAsked({ command, name: row.name })}>
              {command.label}
            </button>
          ))}
        </span>
      ),
    },
  ]
  return (
    <>
      <DataTable label="Strategies" rows={rows} columns={columns} keyOf={(row) => row.name} empty="No strategy is loaded." />
      {asked && (
        <CommandDialog command={asked.command} path={PATH[asked.command.id] ?? ''} subject={asked.name}
          fixed={{ name: asked.name, book }} onClose={() => setAsked(null)} />
      )}
    </>
  )
}
