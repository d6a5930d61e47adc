// Every read of the desk, with its cache key and how often it is asked again.

import { type InfiniteData, keepPreviousData, queryOptions, type UseInfiniteQueryOptions } from '@tanstack/react-query'
import type { Query } from './address'
import { get } from './client'
import type {
  Alert, Bars, BookStatus, BookSummary, Comparison, Decision, DeskInfo, EquitySeries, Fill, Forecast,
  HeatMap, JournalRow, Marker, Order, Page, Performance, PromotionDecision, PromotionDetail, Regimes, Releases,
  RiskFactor, Run, RunDetail, RunRow, StrategyConfig, StrategyState, Trace,
} from './types'

const OFTEN = 10_000
const SELDOM = 60_000
const book = (name: string, rest = ''): string => `/api/books/${encodeURIComponent(name)}${rest}`
const run = (spec: string, id: string, rest = ''): string =>
  `/api/runs/${encodeURIComponent(spec)}/${encodeURIComponent(id)}${rest}`

export interface Span {
  since?: string | undefined
  until?: string | undefined
}

export const desk = queryOptions({
  queryKey: ['desk'],
  queryFn: ({ signal }) => get<DeskInfo>('/api/desk', {}, signal),
  refetchInterval: SELDOM,
})

export const status = queryOptions({
  queryKey: ['status'],
  queryFn: ({ signal }) => get<{ books: BookSummary[] }>('/status', {}, signal),
  refetchInterval: OFTEN,
})

export const bookStatus = (name: string) =>
  queryOptions({
    queryKey: ['book', name, 'status'],
    queryFn: ({ signal }) => get<BookStatus>(book(name), {}, signal),
    refetchInterval: OFTEN,
    enabled: name !== '',
  })

export const bookStrategies = (name: string) =>
  queryOptions({
    queryKey: ['book', name, 'strategies'],
    queryFn: ({ signal }) => get<{ strategies: StrategyState[] }>(book(name, '/strategies'), {}, signal),
    refetchInterval: SELDOM,
  })

export const bookEquity = (name: string, span: Span) =>
  queryOptions({
    queryKey: ['book', name, 'equity', span],
    queryFn: ({ signal }) => get<EquitySeries>(book(name, '/equity'), { ...span, points: 3000 }, signal),
    enabled: name !== '',
    refetchInterval: SELDOM,
    placeholderData: keepPreviousData,
  })

export type Listing<Row> = UseInfiniteQueryOptions<
  Page<Row>, Error, InfiniteData<Page<Row>, string>, readonly unknown[], string
>

/** Ask for a list page by page, newest first. */
function pages<Row>(key: readonly unknown[], path: string, query: Query, refetchInterval?: number): Listing<Row> {
  return {
    queryKey: [...key, query],
    queryFn: ({ pageParam, signal }) => get<Page<Row>>(path, { ...query, cursor: pageParam }, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next,
    ...(refetchInterval ? { refetchInterval } : {}),
  }
}

export const bookOrders = (name: string, query: { open?: boolean; symbol?: string } = {}) =>
  pages<Order>(['book', name, 'orders'], book(name, '/orders'), query, SELDOM)
export const bookFills = (name: string) =>
  pages<Fill>(['book', name, 'fills'], book(name, '/fills'), {}, SELDOM)
export const bookDecisions = (name: string) =>
  pages<Decision>(['book', name, 'decisions'], book(name, '/decisions'), {}, SELDOM)
export const bookEvents = (name: string, kind: string) =>
  pages<JournalRow>(['book', name, 'events'], book(name, '/events'), { kind }, SELDOM)
export const bookAlerts = (name: string) =>
  pages<Alert>(['book', name, 'alerts'], book(name, '/alerts'), {}, SELDOM)

export const bookReleases = (name: string) =>
  queryOptions({
    queryKey: ['book', name, 'releases'],
    queryFn: ({ signal }) => get<Releases>(book(name, '/releases'), {}, signal),
    enabled: name !== '',
  })

export const runs = (q: string, spec: string) => pages<Run>(['runs'], '/api/runs', { q, spec, limit: 50 })

export const runDetail = (spec: string, id: string) =>
  queryOptions({
    queryKey: ['run', spec, id],
    queryFn: ({ signal }) => get<RunDetail>(run(spec, id), {}, signal),
  })

export const runEquity = (spec: string, id: string) =>
  queryOptions({
    queryKey: ['run', spec, id, 'equity'],
    queryFn: ({ signal }) => get<EquitySeries>(run(spec, id, '/equity'), { points: 3000 }, signal),
  })

export type RunTable = 'trades' | 'orders' | 'fills'
export const runRows = (spec: string, id: string, table: RunTable) =>
  pages<RunRow>(['run', spec, id, table], run(spec, id, `/${table}`), {})

export const comparison = (names: string[]) =>
  queryOptions({
    queryKey: ['compare', names],
    queryFn: ({ signal }) => get<Comparison>('/api/runs/compare', { run: names }, signal),
    enabled: names.length > 1,
    placeholderData: keepPreviousData,
  })

export const promotions = (name: string) =>
  pages<PromotionDecision>(['promotions'], '/api/decisions', { book: name })

export const promotion = (id: string) =>
  queryOptions({
    queryKey: ['promotion', id],
    queryFn: ({ signal }) => get<PromotionDetail>(`/api/decisions/${encodeURIComponent(id)}`, {}, signal),
    enabled: id !== '',
  })

export interface BarWindow extends Span {
  symbol: string
  timeframe: string
  points: number
  /** Whose bars follow behind the published ones. */
  book?: string
}

const BEHIND_ALL = '9999-01-01T00:00:00Z'

/** Ask where the first and the last bar of a symbol are, and for none of them: that reads no table. */
export const extent = (symbol: string, timeframe: string, book: { book?: string }) =>
  queryOptions({
    queryKey: ['extent', symbol, timeframe, book],
    queryFn: ({ signal }) => get<Bars>('/api/bars', { symbol, timeframe, since: BEHIND_ALL, points: 2, ...book }, signal),
    enabled: symbol !== '' && timeframe !== '',
    placeholderData: keepPreviousData,
    staleTime: SELDOM,
  })

export const bars = (window: BarWindow) =>
  queryOptions({
    queryKey: ['bars', window],
    queryFn: ({ signal }) => get<Bars>('/api/bars', { ...window }, signal),
    enabled: window.symbol !== '' && window.timeframe !== '',
    placeholderData: (before, query) => {
      const [, asked] = (query?.queryKey ?? []) as [unknown, BarWindow | undefined]
      return asked?.symbol === window.symbol && asked.timeframe === window.timeframe ? before : undefined
    },
    staleTime: SELDOM,
  })

/** Marks that a chart bears; where a stretch has more, the newest alone would say that there were none before. */
export const MOST_MARKS = 1000

export const markers = (symbol: string, span: Span, of: { book?: string; run?: string }) =>
  queryOptions({
    queryKey: ['markers', symbol, span, of],
    queryFn: ({ signal }) => get<Page<Marker>>('/api/markers', { symbol, ...span, ...of, limit: MOST_MARKS }, signal),
    enabled: symbol !== '' && Boolean(of.book ?? of.run),
    placeholderData: keepPreviousData,
  })

export const regimes = (symbol: string, span: Span) =>
  queryOptions({
    queryKey: ['regimes', symbol, span],
    queryFn: ({ signal }) => get<Regimes>('/api/regimes', { symbol, ...span }, signal),
    enabled: symbol !== '',
    placeholderData: keepPreviousData,
  })

export const forecasts = (asset: string, horizon: string, span: Span, limit = 1000) =>
  queryOptions({
    queryKey: ['forecasts', asset, horizon, span, limit],
    queryFn: ({ signal }) => get<Page<Forecast>>('/api/forecasts', { asset, horizon, ...span, limit }, signal),
    placeholderData: keepPreviousData,
  })

const MOST_PAGES = 3

/** Ask for the forecasts of a stretch, as many as a chart can draw: the newest of more. */
export const forecastsOf = (asset: string, horizon: string, span: Span) =>
  queryOptions({
    queryKey: ['forecasts', 'stretch', asset, horizon, span],
    queryFn: async ({ signal }) => {
      const found: Forecast[] = []
      let cursor: string | null = ''
      for (let page = 0; page < MOST_PAGES && cursor !== null; page += 1) {
        const query: Query = { asset, horizon, ...span, limit: 1000, cursor }
        const answer: Page<Forecast> = await get<Page<Forecast>>('/api/forecasts', query, signal)
        found.push(...answer.items)
        cursor = answer.next
      }
      return found
    },
    placeholderData: keepPreviousData,
  })

export const risk = (asset: string, limit: number) =>
  queryOptions({
    queryKey: ['risk', asset, limit],
    queryFn: ({ signal }) => get<Page<RiskFactor>>('/api/risk', { asset, limit }, signal),
    refetchInterval: SELDOM,
  })

export const performance = (name: string) =>
  queryOptions({
    queryKey: ['performance', name],
    queryFn: ({ signal }) => get<Performance>('/api/performance', { book: name }, signal),
    enabled: name !== '',
  })

export const heatMap = (month: string, horizon: string, spec: string) =>
  queryOptions({
    queryKey: ['heatmap', month, horizon, spec],
    queryFn: ({ signal }) => get<HeatMap>('/api/heatmap', { month, horizon, spec }, signal),
    placeholderData: keepPreviousData,
  })

export const strategyConfig = queryOptions({
  queryKey: ['strategy', 'config'],
  queryFn: ({ signal }) => get<StrategyConfig[]>('/api/strategy/config', {}, signal),
})

export interface TraceOf {
  kind: 'book' | 'run'
  name: string
  order: string
}

export const trace = ({ kind, name, order }: TraceOf) =>
  queryOptions({
    queryKey: ['trace', kind, name, order],
    queryFn: ({ signal }) => {
      const [spec = '', id = ''] = name.split('/')
      const rest = `/trace/${encodeURIComponent(order)}`
      return get<Trace>(kind === 'book' ? book(name, rest) : run(spec, id, rest), {}, signal)
    },
    enabled: name !== '' && order !== '',
    staleTime: Number.POSITIVE_INFINITY,
  })
