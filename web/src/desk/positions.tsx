// What a book holds, with its share of the equity.

import type { Position } from '../api/types'
import { type Column, DataTable } from '../ui/data_table'
import { exact, fixed, percent, price, Signed } from '../ui/numbers'

/** Value at the entry price plus what it has gained: quote at the last close. */
export function worth(row: Position): number | null {
  if (row.average_price === null) return null
  return Number(row.quantity) * row.average_price + (row.unrealised_pnl ?? 0)
}

const columns: Column<Position>[] = [
  { id: 'symbol', head: 'Symbol', cell: (row) => <b>{row.symbol}</b>, value: (row) => row.symbol },
  { id: 'strategy', head: 'Strategy', cell: (row) => row.strategy, value: (row) => row.strategy },
  { id: 'side', head: 'Side', cell: (row) => (Number(row.quantity) < 0 ? '▼ short' : '▲ long') },
  { id: 'quantity', head: 'Quantity', isNumber: true, cell: (row) => exact(row.quantity), value: (row) => Number(row.quantity) },
  { id: 'average', head: 'Entry price', isNumber: true, cell: (row) => price(row.average_price), value: (row) => row.average_price },
  { id: 'worth', head: 'Value', isNumber: true, cell: (row) => fixed(worth(row), 2), value: worth, title: 'Quote, at the last close' },
  {
    id: 'pnl', head: 'Unrealised', isNumber: true,
    cell: (row) => <Signed value={row.unrealised_pnl} />, value: (row) => row.unrealised_pnl,
  },
]

export function PositionTable({ rows, equity }: { rows: readonly Position[]; equity: number | null }) {
  const share: Column<Position> = {
    id: 'share', head: 'Of equity', isNumber: true,
    cell: (row) => percent(equity ? (worth(row) ?? Number.NaN) / equity : null, 1),
  }
  return (
    <DataTable label="Positions" rows={rows} columns={[...columns, share]} empty="Flat: nothing is held."
      keyOf={(row) => `${row.strategy}/${row.symbol}`} />
  )
}
