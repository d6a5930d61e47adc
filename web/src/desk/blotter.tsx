// What a book has sent, got and decided: open orders, orders, fills, decisions, alerts, journal.

import { useMemo, useState } from 'react'
import { bookAlerts, bookDecisions, bookEvents, bookFills, bookOrders } from '../api/queries'
import type { Alert, Decision, Fill, JournalRow, Order } from '../api/types'
import { to } from '../router'
import { When } from '../time/context'
import type { Column } from '../ui/data_table'
import { text } from '../ui/facts'
import { Mark, Side } from '../ui/marks'
import { exact, price } from '../ui/numbers'
import { Paged } from '../ui/paged'
import { Panel } from '../ui/panel'
import { Tabs } from '../ui/tabs'
import { WHAT } from './reasons'

type View = 'open' | 'orders' | 'fills' | 'decisions' | 'alerts' | 'journal'
const NAMES: Record<View, string> = {
  open: 'Open orders', orders: 'Orders', fills: 'Fills', decisions: 'Decisions', alerts: 'Alerts', journal: 'Journal',
}
const VIEWS = Object.keys(NAMES) as View[]

export function Blotter({ name }: { name: string }) {
  const [view, setView] = useState<View>('open')
  return (
    <Panel title={NAMES[view]} className="wide blotter"
      aside={<Tabs label="List" names={VIEWS} titles={NAMES} chosen={view} choose={setView} />}>
      <List key={view} view={view} name={name} />
    </Panel>
  )
}

function List({ view, name }: { view: View; name: string }) {
  const columns = useMemo(() => {
    const href = (id: string) => to(['trace', 'book', name, id])
    return { orders: orderColumns(href), fills: fillColumns(href), decisions: decisionColumns(href) }
  }, [name])
  switch (view) {
    case 'open':
    case 'orders':
      return (
        <Paged label={NAMES[view]} query={bookOrders(name, view === 'open' ? { open: true } : {})} columns={columns.orders}
          keyOf={(row) => row.client_order_id}
          empty={view === 'open' ? 'No order waits at the venue.' : 'This book has sent no order yet.'} />
      )
    case 'fills':
      return (
        <Paged label="Fills" query={bookFills(name)} columns={columns.fills} empty="Nothing has been filled yet."
          keyOf={(row, index) => `${row.client_order_id}/${index}`} />
      )
    case 'decisions':
      return (
        <Paged label="Decisions" query={bookDecisions(name)} columns={columns.decisions} empty="No bar has been handled yet."
          keyOf={(row, index) => `${row.ts}/${row.symbol}/${row.strategy}/${index}`} />
      )
    case 'alerts':
      return <Paged label="Alerts" query={bookAlerts(name)} columns={alertColumns} keyOf={(row) => String(row.n)} empty="No alert has been raised." />
    case 'journal':
      return <Journal name={name} />
  }
}

function Journal({ name }: { name: string }) {
  const [kind, setKind] = useState('')
  return (
    <>
      <label className="inline">
        Kind <input value={kind} data-key="search" placeholder="such as TradingHalted" onChange={(event) => setKind(event.target.value)} />
      </label>
      <Paged label="Journal" query={bookEvents(name, kind.trim())} columns={journalColumns} keyOf={(row) => String(row.seq)} empty="No such row." />
    </>
  )
}

type Href = (orderId: string) => string

function Traced({ id, href }: { id: string; href: Href }) {
  return <a className="mono" href={href(id)} title={`${id}\nDown to the raw files`}>{id.slice(0, 14)}</a>
}

const orderColumns = (href: Href): Column<Order>[] => [
  { id: 'ts', head: 'Time', cell: (row) => <When at={row.ts} />, value: (row) => row.ts },
  { id: 'symbol', head: 'Symbol', cell: (row) => <b>{row.symbol}</b>, value: (row) => row.symbol },
  { id: 'strategy', head: 'Strategy', cell: (row) => row.strategy, value: (row) => row.strategy },
  { id: 'side', head: 'Side', cell: (row) => <Side of={row.side} />, value: (row) => row.side },
  { id: 'type', head: 'Type', cell: (row) => row.type.toLowerCase().replaceAll('_', ' '), value: (row) => row.type },
  { id: 'qty', head: 'Quantity', isNumber: true, cell: (row) => exact(row.qty), value: (row) => Number(row.qty) },
  { id: 'limit', head: 'Limit', isNumber: true, cell: (row) => exact(row.limit_price), value: (row) => Number(row.limit_price) },
  { id: 'stop', head: 'Stop', isNumber: true, cell: (row) => exact(row.stop_price), value: (row) => Number(row.stop_price) },
  { id: 'notional', head: 'Notional', isNumber: true, cell: (row) => <>{exact(row.notional)} <small>{row.quote}</small></>, value: (row) => Number(row.notional) },
  { id: 'filled', head: 'Filled', isNumber: true, cell: (row) => exact(row.filled_qty), value: (row) => Number(row.filled_qty) },
  { id: 'average', head: 'Average', isNumber: true, cell: (row) => price(row.avg_price), value: (row) => row.avg_price },
  { id: 'state', head: 'State', cell: (row) => row.state.toLowerCase().replaceAll('_', ' '), value: (row) => row.state },
  { id: 'id', head: 'Order', cell: (row) => <Traced id={row.client_order_id} href={href} /> },
]

const fillColumns = (href: Href): Column<Fill>[] => [
  { id: 'ts', head: 'Time', cell: (row) => <When at={row.ts} />, value: (row) => row.ts },
  { id: 'symbol', head: 'Symbol', cell: (row) => <b>{row.symbol}</b>, value: (row) => row.symbol },
  { id: 'strategy', head: 'Strategy', cell: (row) => row.strategy, value: (row) => row.strategy },
  { id: 'side', head: 'Side', cell: (row) => <Side of={row.side} />, value: (row) => row.side },
  { id: 'price', head: 'Price', isNumber: true, cell: (row) => exact(row.price), value: (row) => Number(row.price) },
  { id: 'qty', head: 'Quantity', isNumber: true, cell: (row) => exact(row.qty), value: (row) => Number(row.qty) },
  { id: 'notional', head: 'Notional', isNumber: true, cell: (row) => <>{exact(row.notional)} <small>{row.quote}</small></>, value: (row) => Number(row.notional) },
  { id: 'fee', head: 'Fee', isNumber: true, cell: (row) => <>{exact(row.fee)} <small>{row.fee_ccy}</small></>, value: (row) => Number(row.fee) },
  { id: 'id', head: 'Order', cell: (row) => <Traced id={row.client_order_id} href={href} /> },
]

const decisionColumns = (href: Href): Column<Decision>[] => [
  { id: 'ts', head: 'Bar', cell: (row) => <When at={row.ts} />, value: (row) => row.ts },
  { id: 'symbol', head: 'Symbol', cell: (row) => <b>{row.symbol}</b>, value: (row) => row.symbol },
  { id: 'strategy', head: 'Strategy', cell: (row) => row.strategy, value: (row) => row.strategy },
  { id: 'what', head: 'What', cell: (row) => <span className={`what-${row.what}`}>{WHAT[row.what]}</span>, value: (row) => row.what },
  { id: 'why', head: 'Why, or why not', cell: (row) => row.why, value: (row) => row.why },
  { id: 'id', head: 'Order', cell: (row) => row.order_id && <Traced id={row.order_id} href={href} /> },
]

const alertColumns: Column<Alert>[] = [
  { id: 'ts', head: 'Time', cell: (row) => <When at={row.ts} style="full" />, value: (row) => row.ts },
  { id: 'alert', head: 'Alert', cell: (row) => <b>{row.alert.replaceAll('_', ' ')}</b>, value: (row) => row.alert },
  {
    id: 'begins', head: 'State', value: (row) => Number(row.begins),
    cell: (row) => <Mark tone={row.begins ? 'bad' : 'good'}>{row.begins ? 'begins' : 'ended'}</Mark>,
  },
  { id: 'reason', head: 'Why', cell: (row) => row.reason, value: (row) => row.reason },
]

function rest({ body }: JournalRow): string {
  return Object.entries(body)
    .filter(([name, value]) => name !== 'ts' && value !== '' && value !== null)
    .map(([name, value]) => `${name}: ${text(value)}`)
    .join('   ')
}

const journalColumns: Column<JournalRow>[] = [
  { id: 'seq', head: 'Row', isNumber: true, cell: (row) => row.seq, value: (row) => row.seq },
  { id: 'ts', head: 'Time', cell: (row) => <When at={row.ts / 1_000_000} style="full" />, value: (row) => row.ts },
  { id: 'kind', head: 'Kind', cell: (row) => <b>{row.kind}</b>, value: (row) => row.kind },
  { id: 'rest', head: 'What it says', cell: (row) => <span className="mono rest" title={rest(row)}>{rest(row)}</span> },
]
