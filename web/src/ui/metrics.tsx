// Names, units and sense of the figures of a run.

import type { Metrics } from '../api/types'
import { fixed, isNumber, signed, tone } from './numbers'

type Kind = 'pct' | 'ratio' | 'count' | 'quote' | 'share' | 'days' | 'minutes'

interface Term {
  label: string
  kind: Kind
  meaning: string
  isSigned?: boolean
}

export const TERMS: Record<string, Term> = {
  net_return_pct: { label: 'Net return', kind: 'pct', isSigned: true, meaning: 'Net PnL over opening equity, after all costs' },
  cagr_pct: { label: 'CAGR', kind: 'pct', isSigned: true, meaning: 'Net return, annualised' },
  sharpe: { label: 'Sharpe', kind: 'ratio', isSigned: true, meaning: 'Mean over deviation of daily returns, annualised' },
  sortino: { label: 'Sortino', kind: 'ratio', isSigned: true, meaning: 'Mean daily return over the root mean square of the negative ones, annualised' },
  calmar: { label: 'Calmar', kind: 'ratio', isSigned: true, meaning: 'CAGR over the deepest drawdown' },
  volatility_pct: { label: 'Volatility', kind: 'pct', meaning: 'Deviation of daily returns, annualised' },
  max_drawdown_pct: { label: 'Max drawdown', kind: 'pct', meaning: 'Deepest fall of equity below an earlier peak' },
  max_drawdown_days: { label: 'Longest drawdown', kind: 'days', meaning: 'Most days in a row below an earlier peak' },
  num_trades: { label: 'Trades', kind: 'count', meaning: 'Round trips, first in, first out' },
  win_rate: { label: 'Win rate', kind: 'share', meaning: 'Round trips with a net profit, of all' },
  profit_factor: { label: 'Profit factor', kind: 'ratio', meaning: 'What was won over what was lost' },
  net_pnl: { label: 'Net PnL', kind: 'quote', isSigned: true, meaning: 'Final less opening equity, after all costs' },
  avg_trade: { label: 'Average trade', kind: 'quote', isSigned: true, meaning: 'Mean net PnL of a round trip' },
  avg_win: { label: 'Average win', kind: 'quote', isSigned: true, meaning: 'Mean net PnL of those that gained' },
  avg_loss: { label: 'Average loss', kind: 'quote', isSigned: true, meaning: 'Mean net PnL of those that lost' },
  avg_holding_minutes: { label: 'Average holding', kind: 'minutes', meaning: 'Mean time that a round trip is open' },
  fees: { label: 'Fees', kind: 'quote', meaning: 'All fees paid' },
  turnover: { label: 'Turnover', kind: 'ratio', meaning: 'What was traded over mean equity' },
  num_fills: { label: 'Fills', kind: 'count', meaning: 'Executions' },
  final_equity: { label: 'Final equity', kind: 'quote', meaning: 'Cash and positions at the last close' },
}

const FIRST = Object.keys(TERMS)

function metricText(name: string, value: number | null | undefined): string {
  if (!isNumber(value)) return '–'
  const term = TERMS[name]
  const write = term?.isSigned ? signed : fixed
  switch (term?.kind) {
    case 'pct': return `${write(value, 2)} %`
    case 'share': return `${fixed(value * 100, 1)} %`
    case 'count': return fixed(value, 0)
    case 'days': return `${fixed(value, 0)} d`
    case 'minutes': return `${fixed(value, 0)} min`
    case 'quote':
    case 'ratio': return write(value, 2)
    default: return String(Number(value.toPrecision(6)))
  }
}

export function MetricText({ name, value }: { name: string; value: number | null | undefined }) {
  return <span className={`num ${TERMS[name]?.isSigned ? tone(value) : ''}`}>{metricText(name, value)}</span>
}

/** Names of the figures that any of the runs has: those that have a term, or the others. */
function metricNames(all: readonly Metrics[], isKnown: boolean): string[] {
  const found = new Set(all.flatMap((metrics) => Object.keys(metrics)))
  if (isKnown) return FIRST.filter((name) => found.has(name))
  return [...found].filter((name) => !(name in TERMS)).sort()
}

interface MetricTableProps {
  label: string
  columns: { name: string; metrics: Metrics | null; title?: string }[]
  /** Tells this table from others of the page. */
  of?: string
}

/** Figures down, runs or halves of a run across; those without a term wait behind a fold. */
export function MetricTable({ label, columns, of = '' }: MetricTableProps) {
  const all = columns.map((column) => column.metrics ?? {})
  const others = metricNames(all, false)
  return (
    <>
      <Rows label={`${label} ${of}`} head={label} names={metricNames(all, true)} columns={columns} />
      {others.length > 0 && (
        <details>
          <summary>{others.length} more</summary>
          <Rows label={`More: ${label} ${of}`} head={label} names={others} columns={columns} />
        </details>
      )}
    </>
  )
}

interface RowsProps extends Pick<MetricTableProps, 'label' | 'columns'> {
  head: string
  names: readonly string[]
}

function Rows({ label, head, names, columns }: RowsProps) {
  return (
    <div className="table-box" role="region" aria-label={`Table: ${label}`} tabIndex={0}>
      <table className="metrics">
        <thead>
          <tr>
            <th scope="col">{head}</th>
            {columns.map((column) => <th key={column.name} scope="col" className="num" title={column.title}>{column.name}</th>)}
          </tr>
        </thead>
        <tbody>
          {names.map((name) => (
            <tr key={name}>
              <th scope="row" title={TERMS[name]?.meaning}>{TERMS[name]?.label ?? name.replaceAll('_', ' ')}</th>
              {columns.map((column) => (
                <td key={column.name} className="num"><MetricText name={name} value={column.metrics?.[name]} /></td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
