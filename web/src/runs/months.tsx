// Net return by month: a shade for its size, a sign for its direction.

import type { MonthlyRow } from '../api/types'
import { isNumber, signed } from '../ui/numbers'
import { Empty } from '../ui/states'

const NAMES = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

export function Months({ rows }: { rows: readonly MonthlyRow[] }) {
  if (rows.length === 0) return <Empty>This run ended within its first month.</Empty>
  const most = Math.max(1, ...rows.flatMap((row) => row.months.filter(isNumber).map(Math.abs)))
  return (
    <div className="table-box" role="region" aria-label="Returns by month" tabIndex={0}>
      <table className="months">
        <thead>
          <tr>
            <th scope="col">Year</th>
            {NAMES.map((name) => <th key={name} scope="col">{name}</th>)}
            <th scope="col">Year’s total</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.year}>
              <th scope="row">{row.year}</th>
              {NAMES.map((name, place) => <Month key={name} value={row.months[place] ?? null} most={most} />)}
              <td className="total">{signed(row.total_pct, 2)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

const STEPS = 5

function Month({ value, most }: { value: number | null; most: number }) {
  if (!isNumber(value)) return <td className="soft">·</td>
  const shade = Math.min(STEPS, Math.ceil((Math.abs(value) / most) * STEPS))
  return <td className={value === 0 ? '' : `${value > 0 ? 'up' : 'down'}-${shade}`}>{signed(value, 2)}</td>
}
