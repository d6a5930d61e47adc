// What the API answers: instants are ISO 8601 UTC, amounts of live books are decimal text.

export type Instant = string
export type Amount = string | number
export type Scalar = string | number | boolean | null
export type Json = Scalar | Json[] | { [key: string]: Json }
export type Facts = Readonly<Record<string, Json>>

export type Scope = 'read' | 'trade' | 'admin'

export interface Tokens {
  access: string
  expires_in: number
  refresh: string
  scope: Scope
  name: string
}

export interface Page<Row> {
  items: Row[]
  next: string | null
}

export interface Service {
  name: string
  address: string
  is_running: boolean
}

export interface DeskInfo {
  books: string[]
  symbols: string[]
  timeframes: string[]
  time_zone: string
  links: Record<string, string>
  services: Service[]
  version: string
}

export interface BookSummary {
  name: string
  venue: string
  account: string
  is_real: boolean
  code: 0 | 1 | 2 | 3
  verdict: string
  state: string
  level: string
  reason: string
  release_id: string
  spec: string
  equity: number | null
  drawdown: number | null
  bar_lag_s: number | null
  heartbeat_age_s: number | null
  budget_left: number | null
  realised_pnl?: number | null
  note?: string
  seq?: number
}

export interface Position {
  strategy: string
  symbol: string
  quantity: Amount
  average_price: number | null
  unrealised_pnl: number | null
}

export interface StrategyState {
  name: string
  state: string
  /** Why it is stopped, and by whom. */
  reason?: string
  by?: string
  symbols?: string[]
  weight: Amount | null
  allocation_pct?: Amount | null
  risk_bps?: Amount | null
}

export interface RiskFactor {
  risk_factor: number
  reasons: string[]
  timestamp: Instant
  asset?: string
  book?: string
}

export interface Decision {
  ts: Instant
  symbol: string
  strategy: string
  what: 'entry' | 'exit' | 'nothing' | 'refused'
  why: string
  order_id?: string | null
}

/** How often each rule spoke since the beat before, by strategy. */
export interface Why {
  bar?: number | string
  strategies?: Record<string, Record<string, number>>
}

export interface BookView {
  seq?: number
  why?: Why
  equity?: number
  drawdown?: number
  realised_pnl?: number
  balances?: Record<string, Amount>
  account?: Record<string, Amount>
  positions?: Position[]
  pauses?: Json
  tightened?: Facts
  [more: string]: unknown
}

export interface BookStatus extends BookSummary {
  holder: string
  book: BookView
  risk?: RiskFactor | null
  last_decision?: Decision | null
}

export interface EquitySeries {
  t: number[]
  equity: (number | null)[]
  drawdown: (number | null)[]
}

export interface Order {
  ts: Instant
  strategy: string
  symbol: string
  side: string
  type: string
  qty: Amount
  limit_price: Amount | null
  stop_price: Amount | null
  notional: Amount | null
  quote: string
  client_order_id: string
  state: string
  filled_qty?: Amount
  avg_price?: number | null
  unit_qty?: string
}

export interface Fill {
  ts: Instant
  client_order_id: string
  strategy: string
  symbol: string
  side: string
  price: Amount
  qty: Amount
  notional: Amount
  quote: string
  fee: Amount
  fee_ccy: string
  unit_qty?: string
}

export interface JournalRow {
  seq?: number
  /** Text, or microseconds as the journal has them. */
  ts?: Instant | number
  kind?: string
  [more: string]: Json | undefined
}

export interface FileProof {
  path: string
  sha256: string
  is_equal?: boolean
  found?: string
  vendor?: string
}

/** A link came out the same again, did not, or could not be computed again. */
export type Proof = 'equal' | 'differs' | 'not checkable'

export interface TraceLink {
  kind: string
  name: string
  recorded: string
  found: string
  is_equal?: boolean | null
  status?: Proof
  facts?: Facts
  said: string
  files: FileProof[]
}

export interface Trace {
  is_sound?: boolean
  status?: Proof
  links: TraceLink[]
  order?: Facts
  origin?: string
}

export type Release = string | Facts

export interface Releases {
  champion: Release | null
  previous: Release | null
  challenger: Release | null
  history: Facts[]
}

export type Metrics = Record<string, number | null>

export interface Run {
  spec: string
  run_id: string
  title: string
  first: Instant
  last: Instant
  is_current: boolean
  metrics: Metrics
  oos: Metrics | null
  links: Record<string, string | null>
}

export interface MonthlyRow {
  year: number
  months: (number | null)[]
  total_pct: number | null
}

export interface RunDetail extends Run {
  manifest: Facts
  checks: Json
  quote: string
  symbols: string[]
  /** What was earned before the first day out of sample, where it is kept apart. */
  in_sample?: Metrics | null
  monthly: MonthlyRow[]
}

export type RunRow = Readonly<Record<string, Json>>

export interface Comparison {
  runs: { name: string; title: string; metrics: Metrics }[]
  series: Record<string, { t: number[]; equity_index: (number | null)[]; drawdown: (number | null)[] }>
}

export interface PromotionDecision {
  decision_id: string
  book: string
  verdict: string
  as_of: Instant | null
  candidate: Release | null
  champion: Release | null
  first_unmet: string | Rule | null
  plain: string
}

export interface Rule {
  stage: string
  rule: string
  value: Json
  threshold: Json
  passed: boolean | null
  evidence: Json
  plain: string
  note?: string
}

export interface PromotionDetail {
  document: Facts
  rules: Rule[]
  candidate: Facts | null
  champion: Facts | null
}

export interface Bars {
  t: number[]
  open: number[]
  high: number[]
  low: number[]
  close: number[]
  volume: (number | null)[]
  timeframe: string
  aggregated_to: string
  /** What there is of the symbol, in epoch seconds. */
  first?: number | null
  last?: number | null
}

export interface Marker {
  t: number
  kind: 'entry' | 'exit' | 'stop'
  side: string
  price: number
  qty: Amount
  strategy: string
  order_id: string
}

export interface Regimes {
  t: number[]
  regime: (string | number | null)[]
  p_calm: (number | null)[]
  p_turbulent: (number | null)[]
}

export interface Forecast {
  asset: string
  horizon: string
  prediction: number
  confidence: number | null
  timestamp: Instant
  forecast_id?: string
  model_version?: string
  band?: [number, number] | null
}

export interface HeatMap {
  symbols: string[]
  t: number[]
  columns: Record<string, (number | null)[][]>
  month?: string
  horizon?: string
  spec?: string | null
}

export interface StrategyConfig {
  key: string
  value: Json
  spec: string
  version: number | string
  params: Facts
  is_current: boolean
  traded_by?: string[]
}

export interface NewConfig {
  spec: string
  version: number | string
  file: string
  todo?: string
}

export interface Performance {
  of?: string
  first?: Instant
  last?: Instant
  metrics: Metrics
  oos: Metrics | null
}

export interface Accepted {
  command?: number | string
  is_running?: boolean
  halted?: Record<string, Json>
  expires?: Instant
}

export interface Armed {
  nonce: string
  expires_in: number
  books?: string[]
}
