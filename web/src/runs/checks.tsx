// Checks of a run: each by name, whether it passed, and what it looked at.

import type { Json } from '../api/types'
import { type Column, DataTable } from '../ui/data_table'
import { FactList, text } from '../ui/facts'

type Check = Readonly<Record<string, Json>>

function isList(of: Json): of is Check[] {
  return Array.isArray(of) && of.every((each) => typeof each === 'object' && each !== null && 'name' in each)
}

const columns: Column<Check>[] = [
  {
    id: 'passed', head: 'Passed', value: (row) => text(row.passed),
    cell: ({ passed }) => <span className={passed === true ? 'met' : 'unmet'}>{passed === true ? '✓ yes' : passed === false ? '✕ no' : '? unknown'}</span>,
  },
  { id: 'name', head: 'Check', cell: (row) => <b>{text(row.name).replaceAll('_', ' ')}</b>, value: (row) => text(row.name) },
  { id: 'detail', head: 'What it saw', cell: (row) => text(row.detail) },
]

export function Checks({ of }: { of: Json }) {
  if (!isList(of)) return <FactList of={of} />
  return <DataTable label="Checks" rows={of} columns={columns} keyOf={(row) => text(row.name)} empty="This run was not checked." />
}
