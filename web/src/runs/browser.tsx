// The list of runs, by speaking titles; mark several to lay them over each other.

import { useDeferredValue, useMemo, useState } from 'react'
import { runs } from '../api/queries'
import type { Run } from '../api/types'
import { to, usePlace } from '../router'
import { When } from '../time/context'
import type { Column } from '../ui/data_table'
import { MetricText, TERMS } from '../ui/metrics'
import { Paged } from '../ui/paged'
import { Panel } from '../ui/panel'

const nameOf = (run: { spec: string; run_id: string }): string => `${run.spec}/${run.run_id}`

export function compareHref(names: readonly string[]): string {
  return `#/runs/compare?${names.map((name) => `run=${encodeURIComponent(name)}`).join('&')}`
}

/** The list with a run marked already. */
export const chooseHref = (name: string | undefined): string => to(['runs'], { run: name })

export const FEWEST = 2
const MOST = 8

const SHOWN = ['net_return_pct', 'sharpe', 'max_drawdown_pct', 'num_trades', 'win_rate', 'profit_factor']

export function RunBrowser() {
  const [q, setQ] = useState('')
  const { query } = usePlace()
  const [chosen, setChosen] = useState<readonly string[]>(query.getAll('run'))
  const asked = useDeferredValue(q.trim())
  const columns = useMemo<Column<Run>[]>(
    () => [
      {
        id: 'compare', head: '',
        cell: (row) => {
          const name = nameOf(row)
          return (
            <input type="checkbox" aria-label={`Compare ${row.title}`} checked={chosen.includes(name)}
              onChange={() => setChosen((known) => known.includes(name) ? known.filter((each) => each !== name) : [...known, name])} />
          )
        },
      },
      {
        id: 'title', head: 'Run', value: (row) => row.title,
        cell: (row) => (
          <a href={to(['runs', row.spec, row.run_id])} title={nameOf(row)}>
            {row.title}{row.is_current && <span className="tag">current</span>}
          </a>
        ),
      },
      { id: 'spec', head: 'Spec', cell: (row) => row.spec, value: (row) => row.spec },
      ...SHOWN.map((name): Column<Run> => ({
        id: name, head: TERMS[name]?.label ?? name, isNumber: true, title: TERMS[name]?.meaning ?? '',
        cell: (row) => <MetricText name={name} value={row.metrics[name]} />, value: (row) => row.metrics[name] ?? null,
      })),
      {
        id: 'oos', head: 'Sharpe OOS', isNumber: true, title: 'Sharpe ratio out of sample',
        cell: (row) => <MetricText name="sharpe" value={row.oos?.sharpe} />, value: (row) => row.oos?.sharpe ?? null,
      },
      { id: 'first', head: 'From', cell: (row) => <When at={row.first} style="date" />, value: (row) => row.first },
      { id: 'last', head: 'To', cell: (row) => <When at={row.last} style="date" />, value: (row) => row.last },
    ],
    [chosen],
  )
  return (
    <Panel
      title="Runs"
      className="page"
      aside={
        <div className="bar">
          <label className="inline">
            Search <input type="search" data-key="search" aria-keyshortcuts="/" placeholder="title or spec" value={q} onChange={(event) => setQ(event.target.value)} />
          </label>
          {chosen.length >= FEWEST && chosen.length <= MOST
            ? <a className="button primary" href={compareHref(chosen)}>Compare {chosen.length}</a>
            : <span className="soft">{chosen.length ? `${chosen.length} marked; ` : ''}mark two to eight to compare</span>}
        </div>
      }
    >
      <Paged label="Runs" query={runs(asked, '')} columns={columns} keyOf={nameOf} tall isChosen={(row) => chosen.includes(nameOf(row))}
        empty={asked ? `No run is called like “${asked}”.` : 'No run is stored. `trading-assets backtest SPEC` makes one.'} />
    </Panel>
  )
}
