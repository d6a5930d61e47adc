// One book, all day: how it stands, what it did, and why or why not.

import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { bookEquity, bookStatus, status } from '../api/queries'
import type { BookStatus } from '../api/types'
import { EquityChart } from '../charts/equity_chart'
import { BookCommands } from '../desk/book_commands'
import { Blotter } from '../desk/blotter'
import { BookStrip } from '../desk/book_strip'
import { PositionTable } from '../desk/positions'
import { LastDecision } from '../desk/reasons'
import { RiskNow } from '../desk/risk_now'
import { Strategies } from '../desk/strategies'
import { usePlace } from '../router'
import { isoOf } from '../time/format'
import { Panel } from '../ui/panel'
import { Tabs } from '../ui/tabs'
import { Empty, With } from '../ui/states'

export default function Desk() {
  const { path } = usePlace()
  const books = useQuery(status)
  const name = path[1] ?? books.data?.books[0]?.name ?? ''
  return (
    <With of={books} lines={8}>
      {() => (name ? <Book key={name} name={name} /> : <Empty>The settings have no book.</Empty>)}
    </With>
  )
}

function Book({ name }: { name: string }) {
  const book = useQuery(bookStatus(name))
  return (
    <With of={book} lines={8}>
      {(found) => (
        <div className="grid desk">
          <BookStrip book={found} toldAt={book.dataUpdatedAt}>
            <BookCommands book={found} />
          </BookStrip>
          {found.seq === 0 ? <NotBegun name={name} /> : <Begun name={name} book={found} />}
        </div>
      )}
    </With>
  )
}

function NotBegun({ name }: { name: string }) {
  return (
    <Panel title="Not begun" className="wide">
      <Empty>Book {name} has no journal yet. <code>trading-assets live --book {name}</code> starts it.</Empty>
    </Panel>
  )
}

function Begun({ name, book }: { name: string; book: BookStatus }) {
  return (
    <>
      <EquityPanel name={name} />
      <div className="stack">
        <Panel title="Last decision"><LastDecision book={book} /></Panel>
        <Panel title="Risk factor"><RiskNow book={name} /></Panel>
        <Panel title="Strategies"><Strategies book={name} /></Panel>
      </div>
      <Panel title="Positions" className="wide">
        <PositionTable rows={book.book.positions ?? []} equity={book.equity} />
      </Panel>
      <Blotter name={name} />
    </>
  )
}

const SPANS = { day: 86_400, week: 604_800, month: 2_592_000, all: 0 } as const
type SpanName = keyof typeof SPANS

function EquityPanel({ name }: { name: string }) {
  const [span, setSpan] = useState<SpanName>('all')
  const whole = useQuery(bookEquity(name, {}))
  const last = whole.data?.t.at(-1)
  const since = SPANS[span] && last ? isoOf(last - SPANS[span]) : undefined
  const part = useQuery({ ...bookEquity(name, { since }), enabled: since !== undefined })
  const shown = since ? part : whole
  const curves = useMemo(() => (shown.data ? [{ name, ...shown.data }] : []), [shown.data, name])
  return (
    <Panel
      title="Equity and drawdown"
      className="equity"
      aside={<Tabs label="Span" names={Object.keys(SPANS) as SpanName[]} chosen={span} choose={setSpan} />}
    >
      <With of={shown} lines={8} isEmpty={(series) => series.t.length === 0} empty="The curve begins with the first bar.">
        {() => <EquityChart label={`Equity and drawdown of ${name}`} curves={curves} book={name} />}
      </With>
    </Panel>
  )
}
