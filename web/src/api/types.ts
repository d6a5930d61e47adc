// What the API answers: instants are ISO 8601 UTC, amounts of live books are decimal text.

export type Instant = string
export type Amount = string
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
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

/** A server of the desk that runs. */
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
  realised_pnl: number | null
  note: string
  seq: number
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
  /** Why it is stopped, and by whom; empty while it is not. */
  reason: string
  by: string
  allocation_pct: Amount
  risk_bps: Amount | null
}

export interface RiskFactor {
  risk_factor: number
  reasons: string[]
  timestamp: Instant
  asset: string
  /** Whose drawdown it knows; null in research, which knows none. */
  book: string | null
}

export interface Decision {
  ts: Instant
  symbol: string
  strategy: string
  what: 'entry' | 'exit' | 'refused'
  why: string
  order_id: string | null
}

/** Empty before the first row of the journal. */
export interface BookView {
  /** How often each rule spoke since the beat before, by strategy; only an executor says so. */
  why?: { strategies: Record<string, Record<string, number>> }
  positions?: Position[]
}

export interface BookStatus extends BookSummary {
  holder: string
  book: BookView
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
  filled_qty: Amount | null
  avg_price: number | null
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
}

export interface JournalRow {
  seq: number
  /** Microseconds, as the journal has them. */
  ts: number
  kind: string
  body: Facts
}

export interface Alert {
  n: number
  ts: Instant
  alert: string
  /** False when it ended. */
  begins: boolean
  reason: string
}

export interface FileProof {
  path: string
  sha256: string
  /** What is there instead, in words; empty when it is what was promised. */
  found: string
  vendor: string
}

/** A link came out the same again, did not, or could not be computed again. */
export type Proof = 'equal' | 'differs' | 'not checkable'

export interface TraceLink {
  kind: string
  name: string
  recorded: string
  found: string
  status: Proof
  facts: Facts
  said: string
  files: FileProof[]
}

export interface Trace {
  /** The worst of its links. */
  status: Proof
  links: TraceLink[]
  order: Facts
}

/** What an alias of a book names; `release_id` is a tag of what was released. */
export type Holder = {
  name: string
  family: string
  run: Record<string, string>
  tags: Record<string, string>
}

export interface Releases {
  champion: Holder | null
  previous: Holder | null
  challenger: Holder | null
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

export interface Check {
  name: string
  passed: boolean | null
  detail: string
}

export interface MonthlyRow {
  year: number
  months: (number | null)[]
  total_pct: number | null
}

export interface RunDetail extends Run {
  manifest: Facts
  checks: Check[]
  quote: string
  symbols: string[]
  /** What was earned before the first day out of sample, where it is kept apart. */
  in_sample: Metrics | null
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
  candidate: Facts | null
  champion: Facts | null
  first_unmet: Rule | null
  plain: string
}

export interface Rule {
  stage: string
  rule: string
  value: Json
  threshold: Json
  passed: boolean | null
  evidence: string[] | null
  note: string
  plain: string
}

export interface PromotionDetail extends PromotionDecision {
  rules: Rule[]
}

export interface Bars {
  t: number[]
  open: (number | null)[]
  high: (number | null)[]
  low: (number | null)[]
  close: (number | null)[]
  volume: (number | null)[]
  timeframe: string
  aggregated_to: string
  /** What there is of the symbol, in epoch seconds. */
  first: number | null
  last: number | null
  /** From here on they are bars that the book saw and nobody has published yet, in epoch seconds. */
  live_from_s: number | null
}

export interface Marker {
  t: number
  kind: 'entry' | 'exit' | 'stop'
  side: string
  price: number
  qty: number
  strategy: string
  order_id: string
}

export interface Regimes {
  t: number[]
  p_turbulent: (number | null)[]
}

export interface Forecast {
  asset: string
  horizon: string
  prediction: number
  confidence: number | null
  timestamp: Instant
  forecast_id: string | null
  model_version: string
  band: [number, number] | null
}

export interface HeatMap {
  symbols: string[]
  t: number[]
  columns: Record<string, (number | null)[][]>
  month: string
  spec: string | null
}

export interface StrategyConfig {
  spec: string
  version: number
  params: Facts
  is_current: boolean
  traded_by: string[]
}

export interface NewConfig {
  spec: string
  version: number
  file: string
  todo: string
}

export interface Performance {
  metrics: Metrics
  oos: Metrics | null
}

/** A command that stands in a book's inbox. */
export interface Taken {
  command: number
  is_running: boolean
}

/** The latches of all books are up, by command number. */
export interface Halted {
  halted: Record<string, number>
}

/** Real money may be traded for so long. */
export interface Allowed {
  expires: Instant
}

export type Accepted = Taken | Halted | Allowed

/** The first of two steps: what the second repeats, and what it will act on. */
export interface Armed {
  nonce: string
  expires_in: number
  books: string[]
}
