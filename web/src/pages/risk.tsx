// How much is at risk: what books hold, how far below their peaks, and what entries are cut to.

import { useQueries, useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { bookStatus, desk, performance, risk, status } from '../api/queries'
import type { BookSummary, RiskFactor } from '../api/types'
import { StepChart } from '../charts/step_chart'
import { worth } from '../desk/positions'
import { to } from '../router'
import { When } from '../time/context'
import { type Column, DataTable } from '../ui/data_table'
import { BOOK_TONE, Mark, Meter } from '../ui/marks'
import { MetricTable } from '../ui/metrics'
import { depth, fixed, percent } from '../ui/numbers'
import { Panel } from '../ui/panel'
import { With } from '../ui/states'

export default function Risk() {
  const books = useQuery(status)
  const info = useQuery(desk)
  return (
    <div className="grid risk">
      <Panel title="Books" className="wide">
        <With of={books}>{({ books: all }) => <Books books={all} />}</With>
      </Panel>
      <With of={info}>{({ symbols }) => <Factors symbols={symbols} />}</With>
      <With of={books}>{({ books: all }) => <Performances names={all.filter((book) => book.equity !== null).map((book) => book.name)} />}</With>
    </div>
  )
}

interface Exposure {
  book: BookSummary
  gross: number | null
  net: number | null
}

function Books({ books }: { books: readonly BookSummary[] }) {
  const found = useQueries({ queries: books.map((book) => bookStatus(book.name)) })
  const rows = books.map((book, place): Exposure => {
    const values = found[place]?.data?.book.positions?.map(worth)
    const isKnown = values?.every((value) => value !== null) ?? false
    const sum = (of: (value: number) => number) => (isKnown ? (values ?? []).reduce((all: number, value) => all + of(value ?? 0), 0) : null)
    return { book, gross: sum(Math.abs), net: sum((value) => value) }
  })
  return <DataTable label="Risk of books" rows={rows} columns={bookColumns} keyOf={(row) => row.book.name} empty="The settings have no book." />
}

const share = (value: number | null, equity: number | null) => (value === null || !equity ? null : value / equity)

const bookColumns: Column<Exposure>[] = [
  { id: 'book', head: 'Book', cell: ({ book }) => <a href={to(['desk', book.name])}><b>{book.name}</b></a>, value: ({ book }) => book.name },
  { id: 'state', head: 'State', cell: ({ book }) => <Mark tone={BOOK_TONE[book.code] ?? 'off'}>{book.verdict}</Mark>, value: ({ book }) => book.code },
  { id: 'equity', head: 'Equity', isNumber: true, cell: ({ book }) => fixed(book.equity, 2), value: ({ book }) => book.equity },
  { id: 'drawdown', head: 'Drawdown', isNumber: true, cell: ({ book }) => depth(book.drawdown), value: ({ book }) => book.drawdown },
  { id: 'gross', head: 'Gross', isNumber: true, title: 'Value of all positions, over equity', cell: ({ gross, book }) => percent(share(gross, book.equity), 1), value: ({ gross }) => gross },
  { id: 'net', head: 'Net', isNumber: true, title: 'Longs less shorts, over equity', cell: ({ net, book }) => percent(share(net, book.equity), 1), value: ({ net }) => net },
  {
    id: 'budget', head: 'Error budget', isNumber: true, value: ({ book }) => book.budget_left,
    cell: ({ book }) => <>{percent(book.budget_left, 1)} <Meter label={`Error budget of ${book.name}`} fraction={book.budget_left} /></>,
  },
]

function reasonsOf({ reasons }: RiskFactor): string {
  return reasons.map((reason) => reason.replaceAll('_', ' ')).join(', ') || 'none'
}

const factorColumns: Column<RiskFactor>[] = [
  { id: 'at', head: 'Since', cell: (row) => <When at={row.timestamp} />, value: (row) => row.timestamp },
  { id: 'asset', head: 'Asset', cell: (row) => <b>{row.asset}</b>, value: (row) => row.asset },
  { id: 'factor', head: 'Factor', isNumber: true, cell: (row) => fixed(row.risk_factor, 2), value: (row) => row.risk_factor },
  { id: 'why', head: 'Reasons', cell: reasonsOf, value: reasonsOf },
]

function Factors({ symbols }: { symbols: readonly string[] }) {
  const [asset, setAsset] = useState(symbols[0] ?? '')
  const found = useQuery(risk(asset, 500))
  const points = useMemo(
    () => [...(found.data?.items ?? [])].reverse().map((row) => ({ t: Date.parse(row.timestamp) / 1000, value: row.risk_factor })),
    [found.data],
  )
  return (
    <Panel
      title="Risk factor"
      className="wide"
      aside={
        <label className="inline">
          Asset
          <select value={asset} onChange={(event) => setAsset(event.target.value)}>
            {symbols.map((each) => <option key={each}>{each}</option>)}
          </select>
        </label>
      }
    >
      <With of={found} lines={6} isEmpty={({ items }) => items.length === 0}
        empty={`No risk factor of ${asset} is published. Materialise the asset risk_log in Dagster.`}>
        {({ items }) => (
          <div className="two uneven">
            <StepChart label={`Risk factor of ${asset}`} points={points} />
            <DataTable label="Changes of the risk factor" rows={items} columns={factorColumns} tall
              keyOf={(row, index) => `${row.asset}/${row.timestamp}/${index}`} />
          </div>
        )}
      </With>
    </Panel>
  )
}

function Performances({ names }: { names: readonly string[] }) {
  const found = useQueries({ queries: names.map((name) => performance(name)) })
  return names.map((name, place) => {
    const asked = found[place]
    return asked && (
      <Panel key={name} title={`Performance of ${name}`}>
        <With of={asked}>
          {({ metrics, oos }) => (
            <MetricTable label="Figure" of={name}
              columns={[{ name: 'all', metrics }, ...(oos ? [{ name: 'out of sample', metrics: oos }] : [])]} />
          )}
        </With>
      </Panel>
    )
  })
}
