// Checks of a run: each by name, whether it passed, and what it looked at.

import type { Check } from '../api/types'
import { type Column, DataTable } from '../ui/data_table'

const columns: Column<Check>[] = [
  {
    id: 'passed', head: 'Passed', value: (row) => String(row.passed),
    cell: ({ passed }) => <span className={passed ? 'met' : 'unmet'}>{passed ? '✓ yes' : passed === false ? '✕ no' : '? unknown'}</span>,
  },
  { id: 'name', head: 'Check', cell: (row) => <b>{row.name.replaceAll('_', ' ')}</b>, value: (row) => row.name },
  { id: 'detail', head: 'What it saw', cell: (row) => row.detail },
]

export function Checks({ rows }: { rows: readonly Check[] }) {
  return <DataTable label="Checks" rows={rows} columns={columns} keyOf={(row) => row.name} empty="This run was not checked." />
}
