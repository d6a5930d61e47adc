// What entries are multiplied by now: the newest factor of each symbol.

import { useQuery } from '@tanstack/react-query'
import { risk } from '../api/queries'
import type { RiskFactor } from '../api/types'
import { When } from '../time/context'
import { fixed } from '../ui/numbers'
import { Empty, With } from '../ui/states'

const RECENT = 100

/** Give the newest factor of each symbol from a list that is newest first. */
function newestBySymbol(rows: readonly RiskFactor[]): RiskFactor[] {
  const found = new Map<string, RiskFactor>()
  for (const row of rows) if (!found.has(row.asset)) found.set(row.asset, row)
  return [...found.values()].sort((a, b) => a.asset.localeCompare(b.asset))
}

function useFactors(book: string) {
  const found = useQuery(risk('', RECENT))
  const rows = found.data?.items.filter((row) => row.book === null || row.book === book)
  return { found, rows: newestBySymbol(rows ?? []) }
}

/** One number: the smallest, since the most careful symbol is what to look at. */
export function RiskValue({ book }: { book: string }) {
  const { rows } = useFactors(book)
  const least = rows.length ? Math.min(...rows.map((row) => row.risk_factor)) : null
  return <span className="num">{fixed(least, 2)}</span>
}

export function RiskNow({ book }: { book: string }) {
  const { found, rows } = useFactors(book)
  return (
    <With of={found} lines={2}>
      {() => (rows.length ? <Factors rows={rows} /> : <Empty>No risk factor has been published yet: the asset risk_factor in Dagster does.</Empty>)}
    </With>
  )
}

function Factors({ rows }: { rows: readonly RiskFactor[] }) {
  return (
    <ul className="factors">
      {rows.map((row) => (
        <li key={row.asset}>
          <b className="num">{fixed(row.risk_factor, 2)}</b>
          <span>{row.asset}</span>
          <span className={row.reasons.length ? '' : 'soft'}>
            {row.reasons.map((reason) => reason.replaceAll('_', ' ')).join(', ') || 'nothing speaks for less'}
          </span>
          <span className="soft"><When at={row.timestamp} /></span>
        </li>
      ))}
    </ul>
  )
}
