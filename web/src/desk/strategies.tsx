// The strategies of a book, each to be started, stopped, or given a risk.

import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { bookStrategies } from '../api/queries'
import { useLack } from '../api/session'
import type { StrategyState } from '../api/types'
import { type Column, DataTable } from '../ui/data_table'
import { Mark } from '../ui/marks'
import { exact } from '../ui/numbers'
import { With } from '../ui/states'
import type { BookCommand } from './commands'
import { CommandDialog } from './command_dialog'

const START: BookCommand = {
  id: 'start', label: 'Start', effect: 'Takes back a stop that a person gave. A halt or a pause of the book stays.', needs: 'admin', steps: 1, tone: 'calm',
}
const STOP: BookCommand = {
  id: 'stop', label: 'Stop', effect: 'This strategy opens no position any more. Its exits stay.', needs: 'trade', steps: 1, tone: 'calm',
}
const RISK: BookCommand = {
  id: 'risk', label: 'Risk', effect: 'Risks at most so many basis points of equity per trade. It can only be made stricter.',
  needs: 'trade', steps: 1, tone: 'calm',
  fields: [{ name: 'bps', label: 'Basis points of equity', kind: 'number' }],
}
const WEIGHT: BookCommand = {
  id: 'weight', label: 'Weight', effect: 'Gives this strategy a share of what its release gives it. It can only be made smaller.',
  needs: 'trade', steps: 1, tone: 'calm',
  fields: [{ name: 'weight', label: 'Share, above 0 to 1', kind: 'number' }],
}
const PATH: Record<string, string> = { start: '/strategy/start', stop: '/strategy/stop', risk: '/risk', weight: '/alloc' }

export function Strategies({ book }: { book: string }) {
  const found = useQuery(bookStrategies(book))
  return <With of={found} lines={2}>{({ strategies }) => <StrategyTable book={book} rows={strategies} />}</With>
}

function StrategyTable({ book, rows }: { book: string; rows: readonly StrategyState[] }) {
  const [asked, setAsked] = useState<{ command: BookCommand; name: string } | null>(null)
  const lackOf = useLack()
  const columns: Column<StrategyState>[] = [
    { id: 'name', head: 'Name', cell: (row) => <b>{row.name}</b>, value: (row) => row.name },
    { id: 'state', head: 'State', cell: stateOf, value: (row) => row.state },
    {
      id: 'part', head: 'Of account', isNumber: true, title: 'Share of the account that it is given now',
      cell: (row) => `${exact(row.allocation_pct)} %`,
    },
    {
      id: 'bps', head: 'Risk bps', isNumber: true, title: 'What a trade may lose, of equity; – where its sizing knows no such thing',
      cell: (row) => exact(row.risk_bps),
    },
    {
      id: 'actions', head: '',
      cell: (row) => (
        <span className="row-buttons">
          {[row.state === 'stopped' ? START : STOP, RISK, WEIGHT].map((command) => (
            <button key={command.id} type="button" className="link" aria-label={`${command.label} ${row.name}`}
              disabled={lackOf(command.needs) !== ''} title={lackOf(command.needs) || command.effect}
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

function stateOf({ state, by, reason }: StrategyState) {
  const told = [by && `by ${by}`, reason].filter(Boolean).join(': ')
  return <Mark tone={state === 'stopped' ? 'wait' : 'good'}><span title={told}>{state}</span></Mark>
}
