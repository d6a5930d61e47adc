// Trades, orders and fills of a run: every column that it has, units in the head.

import { useCallback, useState } from 'react'
import { runRows, type RunTable } from '../api/queries'
import type { Json, RunDetail, RunRow } from '../api/types'
import { to } from '../router'
import { When } from '../time/context'
import type { Column } from '../ui/data_table'
import { text } from '../ui/facts'
import { Side } from '../ui/marks'
import { exact, fixed, isNumber, price, Signed } from '../ui/numbers'
import { Paged } from '../ui/paged'
import { Panel } from '../ui/panel'
import { Tabs } from '../ui/tabs'

const TABLES: RunTable[] = ['trades', 'orders', 'fills']

export function RunRows({ run }: { run: RunDetail }) {
  const [table, setTable] = useState<RunTable>('trades')
  return (
    <Panel title="Rows" className="wide" aside={<Tabs label="Rows" names={TABLES} chosen={table} choose={setTable} />}>
      <Rows key={table} run={run} table={table} />
    </Panel>
  )
}

function Rows({ run, table }: { run: RunDetail; table: RunTable }) {
  const columns = useCallback((rows: readonly RunRow[]) => columnsOf(rows, run), [run])
  return (
    <Paged label={table} query={runRows(run.spec, run.run_id, table)} columns={columns} tall
      keyOf={(_, index) => String(index)} empty={`This run has no ${table}.`} />
  )
}

const TIMES = /(^|_)ts$/
const PRICES = /price$/
const GAINS = /^(pnl|return_pct)$/
const FEES = /^fee/
const IN_QUOTE = /^(notional|fees|fee_quote|slippage|pnl)$/
const QUANTITIES = /^(qty|filled_qty|position)$/
const ORDER_IDS = /order_id$/
const UNITS = new Set(['quote', 'unit_qty'])

/** Make a column of each field, in the order in which the rows have them. */
function columnsOf(rows: readonly RunRow[], run: RunDetail): Column<RunRow>[] {
  const first = rows[0]
  if (!first) return []
  const isMixed = new Set(rows.map((row) => row.unit_qty)).size > 1
  return Object.keys(first).filter((name) => !UNITS.has(name)).map((name) => {
    const isTime = TIMES.test(name)
    const isNumeric = !isTime && rows.some((row) => isNumber(row[name]))
    return {
      id: name,
      head: headOf(name, rows),
      isNumber: isNumeric || QUANTITIES.test(name) || PRICES.test(name),
      cell: (row) => <>{cellOf(name, row[name], isTime, run)}{isMixed && QUANTITIES.test(name) && <small> {text(row.unit_qty)}</small>}</>,
      value: (row) => sortable(row[name]),
    }
  })
}

/** A unit stands in the head where all rows have the same one, else in each row. */
function headOf(name: string, rows: readonly RunRow[]): string {
  const words = name.replaceAll('_', ' ')
  const units = new Set(rows.map((row) => (IN_QUOTE.test(name) ? row.quote : QUANTITIES.test(name) ? row.unit_qty : null)))
  const [unit] = units
  return units.size === 1 && typeof unit === 'string' && unit ? `${words}, ${unit}` : words
}

function sortable(value: Json | undefined): string | number | null {
  return typeof value === 'number' || typeof value === 'string' ? value : value === null || value === undefined ? null : text(value)
}

function cellOf(name: string, value: Json | undefined, isTime: boolean, run: RunDetail) {
  if (value === null || value === undefined) return <span className="soft">–</span>
  if (isTime && typeof value === 'string') return <When at={value} style="full" />
  if (name === 'side' && typeof value === 'string') return <Side of={value} />
  if (ORDER_IDS.test(name) && typeof value === 'string') {
    return <a className="mono" title={value} href={to(['trace', 'run', `${run.spec}/${run.run_id}`, value])}>{value.slice(0, 14)}</a>
  }
  if (isNumber(value)) {
    if (GAINS.test(name)) return <Signed value={value} />
    if (FEES.test(name)) return fixed(value, 4)
    if (IN_QUOTE.test(name)) return fixed(value, 2)
    return PRICES.test(name) ? price(value) : exact(value)
  }
  return text(value)
}
