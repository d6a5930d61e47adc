// Bars of a symbol, what the desk did in them, and what it expected; a stretch at a time.

import { useQuery } from '@tanstack/react-query'
import { useCallback, useMemo, useState } from 'react'
import { bars, desk, extent, forecasts, forecastsOf, markers, MOST_MARKS, regimes, status } from '../api/queries'
import type { DeskInfo, Forecast, Marker } from '../api/types'
import { PriceChart } from '../charts/price_chart'
import { POINTS, type Range } from '../charts/window'
import { go, setQuery, to, usePlace } from '../router'
import { When } from '../time/context'
import { isoOf, timeframeSeconds } from '../time/format'
import { Panel } from '../ui/panel'
import { Loading, With } from '../ui/states'
import { Tabs } from '../ui/tabs'

export default function Chart() {
  const info = useQuery(desk)
  return (
    <With of={info} lines={8} isEmpty={({ symbols }) => symbols.length === 0} empty="No symbol is declared.">
      {(found) => <Subject info={found} />}
    </With>
  )
}

const NONE = 'nothing'

function Subject({ info }: { info: DeskInfo }) {
  const { query } = usePlace()
  const books = useQuery(status)
  const symbol = query.get('symbol') ?? info.symbols[0] ?? ''
  const timeframe = query.get('timeframe') ?? info.timeframes.find((each) => each === '5m') ?? info.timeframes[0] ?? ''
  const run = query.get('run') ?? ''
  const whose = run ? `run ${run}` : (query.get('book') ?? books.data?.books[0]?.name ?? NONE)
  const isChosen = Boolean(run || query.get('book')) || !books.isPending
  const horizon = query.get('horizon') ?? ''
  const names = [...new Set([whose, NONE, ...info.books])]
  return (
    <Panel
      title={`${symbol} ${timeframe}`}
      className="chart-page"
      aside={
        <div className="bar">
          <label className="inline">
            Symbol
            <select value={symbol} onChange={(event) => setQuery({ symbol: event.target.value })}>
              {info.symbols.map((each) => <option key={each}>{each}</option>)}
            </select>
          </label>
          <Tabs label="Timeframe" names={info.timeframes} chosen={timeframe} choose={(each) => setQuery({ timeframe: each })} />
          <label className="inline">
            Orders of
            <select value={whose} onChange={(event) => setQuery({ book: event.target.value, run: undefined })}>
              {names.map((each) => <option key={each}>{each}</option>)}
            </select>
          </label>
          <HorizonChoice symbol={symbol} horizon={horizon} />
        </div>
      }
    >
      {isChosen ? (
        <Stretch
          key={`${symbol}/${timeframe}`} symbol={symbol} timeframe={timeframe} horizon={horizon}
          of={run ? { run } : whose === NONE ? {} : { book: whose }}
        />
      ) : <Loading lines={10} />}
    </Panel>
  )
}

const NO_FORECASTS: readonly Forecast[] = []
const NO_MARKS: readonly Marker[] = []

/** Horizons are those that forecasts of the symbol have; there is no list of them. */
function HorizonChoice({ symbol, horizon }: { symbol: string; horizon: string }) {
  const found = useQuery(forecasts(symbol, '', {}, 100))
  const horizons = [...new Set(found.data?.items.map((each) => each.horizon))]
  return (
    <label className="inline">
      Forecast
      <select value={horizon} onChange={(event) => setQuery({ horizon: event.target.value || undefined })}>
        <option value="">none</option>
        {horizons.map((each) => <option key={each}>{each}</option>)}
      </select>
    </label>
  )
}

/** A stretch without an end goes on with the bars that come. */
type Asked = Pick<Range, 'from'> & Partial<Range>

interface StretchProps {
  symbol: string
  timeframe: string
  horizon: string
  of: { book?: string; run?: string }
}

const FIRST_BARS = 1200
const SPANS: Record<string, number> = { day: 86_400, week: 604_800, month: 2_592_000, year: 31_536_000 }

function Stretch({ symbol, timeframe, horizon, of }: StretchProps) {
  const book = of.book ? { book: of.book } : {}
  const whole = useQuery(extent(symbol, timeframe, book))
  const [asked, setAsked] = useState<Asked | null>(null)
  const [subject, setSubject] = useState({ name: 'latest', count: 0 })
  const [first, last] = [whole.data?.first ?? undefined, whole.data?.last ?? undefined]
  const size = timeframeSeconds(timeframe)
  const range = useMemo<Asked | null>(
    () => asked ?? (last === undefined ? null : { from: Math.max(first ?? 0, last - FIRST_BARS * size) }),
    [asked, first, last, size],
  )
  const span = useMemo(
    () => ({
      ...(range?.from === undefined ? {} : { since: isoOf(Math.max(0, range.from)) }),
      ...(range?.to === undefined ? {} : { until: isoOf(range.to) }),
    }),
    [range],
  )
  const found = useQuery({
    ...bars({ symbol, timeframe, points: POINTS, ...span, ...book }),
    enabled: range !== null,
    ...(range?.to === undefined ? { refetchInterval: 30_000 } : {}),
  })
  const marked = useQuery({ ...markers(symbol, span, of), enabled: range !== null && Boolean(of.book ?? of.run) })
  const states = useQuery({ ...regimes(symbol, span), enabled: range !== null })
  const guesses = useQuery({ ...forecastsOf(symbol, horizon, span), enabled: range !== null && horizon !== '' })

  const newest = found.data?.last ?? last
  const show = (name: string) => {
    const seconds = SPANS[name]
    setAsked({ from: seconds && newest !== undefined ? newest - seconds : (first ?? 0) })
    setSubject(({ count }) => ({ name, count: count + 1 }))
  }
  const onWant = (wanted: Range) => setAsked(newest !== undefined && wanted.to >= newest ? { from: wanted.from } : wanted)
  const onOrder = useCallback(
    (marker: Marker) => {
      const where = of.run ? ['trace', 'run', of.run, marker.order_id] : ['trace', 'book', of.book ?? '', marker.order_id]
      go(to(where))
    },
    [of.run, of.book],
  )
  const isCrowded = Boolean(marked.data?.next)
  const items = useMemo(
    () => (marked.data && !isCrowded && (of.book ?? of.run) ? marked.data.items : NO_MARKS),
    [marked.data, isCrowded, of.book, of.run],
  )
  return (
    <With of={whole} lines={10} isEmpty={(told) => told.last === null}
      empty={`No bars of ${symbol} are published. \`trading-assets data fetch\` gets them; Dagster shows the table bars_1m.`}>
      {() => (
        <With of={found} lines={10} isEmpty={({ t }) => t.length === 0} empty="No bars lie in this stretch.">
          {(data) => (
            <>
              <Tabs label="Span" names={[...Object.keys(SPANS), 'all']} chosen={subject.name} choose={show} />
              <PriceChart
                subject={`${subject.name}/${subject.count}`} isWhole={subject.name !== 'latest'}
                isSettled={!found.isPlaceholderData} bars={data} asked={range ?? {}}
                markers={items} regimes={states.data} forecasts={horizon ? (guesses.data ?? NO_FORECASTS) : NO_FORECASTS}
                onWant={onWant} onOrder={onOrder}
              />
              <LivePart from={data.live_from_s} book={of.book} />
              <Explained marks={isCrowded ? `more than ${MOST_MARKS}` : items.length} problems={[marked.error, states.error, guesses.error]} />
            </>
          )}
        </With>
      )}
    </With>
  )
}

function LivePart({ from, book }: { from: number | null; book: string | undefined }) {
  if (from === null || !book) return null
  return <p className="note">From <When at={from} style="full" /> on: bars that {book} saw, which are not published yet.</p>
}

function Explained({ marks, problems }: { marks: number | string; problems: unknown[] }) {
  const lost = problems.filter(Boolean)
  return (
    <p className="note">
      Arrows are entries, circles exits, squares stops ({marks} in this stretch): click one for its chain of evidence. Shaded: turbulent.
      Dotted: what was expected for that instant, with its band. Drag, wheel or pinch to move; older and finer bars come by themselves, and
      of more than {MOST_MARKS} orders each as one comes nearer.
      {lost.length > 0 && <b> {lost.map((each) => (each instanceof Error ? each.message : '')).join('; ')}.</b>}
    </p>
  )
}
