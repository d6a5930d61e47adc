// A table that sorts, shows only the rows in sight, and asks for the next page at its end.

import {
  createColumnHelper, createSortedRowModel, rowSortingFeature, sortFn_alphanumeric, sortFn_basic, tableFeatures,
  useTable,
} from '@tanstack/react-table'
import { type ReactNode, type UIEvent, useMemo, useState } from 'react'
import { counted } from './numbers'
import { Empty } from './states'
import { rowsInSight } from './window'

export interface Column<Row> {
  id: string
  head: string
  cell: (row: Row) => ReactNode
  /** What is sorted by; a column without it does not sort. */
  value?: (row: Row) => string | number | null
  isNumber?: boolean
  title?: string
}

interface TableProps<Row> {
  label: string
  rows: readonly Row[]
  columns: readonly Column<Row>[]
  keyOf: (row: Row, index: number) => string
  empty?: ReactNode
  isChosen?: (row: Row) => boolean
  more?: { has: boolean; isLoading: boolean; load: () => void }
  tall?: boolean
}

const ROW_PX = 28
const ALL_BELOW = 120

const features = tableFeatures({
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric, basic: sortFn_basic },
})

export function DataTable<Row extends object>(props: TableProps<Row>) {
  const { label, rows, columns, keyOf, empty, isChosen, more, tall = false } = props
  const [sight, setSight] = useState({ top: 0, height: 600 })
  const data = rows as Row[]
  const defined = useMemo(() => {
    const helper = createColumnHelper<typeof features, Row>()
    return columns.map((column) =>
      helper.accessor((row): unknown => column.value?.(row) ?? undefined, {
        id: column.id,
        header: column.head,
        enableSorting: column.value !== undefined,
        sortFn: column.isNumber ? 'basic' : 'alphanumeric',
        sortUndefined: 'last',
      }),
    )
  }, [columns])
  const table = useTable({ features, columns: defined, data })
  const sorted = table.getRowModel().rows
  const isWindowed = sorted.length > ALL_BELOW
  const window = rowsInSight(isWindowed ? sight : null, sorted.length, ROW_PX)
  const look = (event: UIEvent<HTMLDivElement>) => {
    const { scrollTop, clientHeight } = event.currentTarget
    if (isWindowed) setSight({ top: scrollTop, height: clientHeight })
  }
  if (rows.length === 0) return <Empty>{empty ?? 'Nothing yet.'}</Empty>
  return (
    <>
      <div className={`table-box ${tall || isWindowed ? 'tall' : ''}`} onScroll={look} role="region" aria-label={`Table: ${label}`} tabIndex={0}>
        <table aria-rowcount={sorted.length + 1}>
          <thead>
            <tr>
              {table.getHeaderGroups()[0]?.headers.map((header, place) => {
                const column = columns[place]
                const order = header.column.getIsSorted()
                const said = order === 'asc' ? 'ascending' : order === 'desc' ? 'descending' : 'none'
                return (
                  <th
                    key={header.id}
                    scope="col"
                    className={column?.isNumber ? 'num' : ''}
                    title={column?.title}
                    {...(column?.value ? { 'aria-sort': said } : {})}
                  >
                    {column?.value ? (
                      <button type="button" onClick={header.column.getToggleSortingHandler()}>
                        {column.head}
                        <span aria-hidden="true">{order === 'asc' ? ' ↑' : order === 'desc' ? ' ↓' : ''}</span>
                      </button>
                    ) : (
                      column?.head || <span className="off-screen">{column?.id}</span>
                    )}
                  </th>
                )
              })}
            </tr>
          </thead>
          <tbody>
            <Spacer px={window.first * ROW_PX} span={columns.length} />
            {sorted.slice(window.first, window.end).map((row) => (
              <tr
                key={keyOf(row.original, row.index)}
                aria-rowindex={isWindowed ? row.index + 2 : undefined}
                className={isChosen?.(row.original) ? 'chosen' : ''}
              >
                {columns.map((column) => (
                  <td key={column.id} className={column.isNumber ? 'num' : ''}>
                    {column.cell(row.original)}
                  </td>
                ))}
              </tr>
            ))}
            <Spacer px={(sorted.length - window.end) * ROW_PX} span={columns.length} />
          </tbody>
        </table>
      </div>
      {more && (more.has || rows.length > ALL_BELOW) && (
        <p className="more">
          {counted(rows.length, 'row')}{more.has ? ' so far' : ''}
          {more.has && (
            <button type="button" disabled={more.isLoading} onClick={more.load}>
              {more.isLoading ? 'Loading…' : 'Load older'}
            </button>
          )}
        </p>
      )}
    </>
  )
}

/** Keep the place of rows that are not drawn. */
function Spacer({ px, span }: { px: number; span: number }) {
  if (px <= 0) return null
  return (
    <tr aria-hidden="true" className="spacer">
      <td colSpan={span} style={{ height: px }} />
    </tr>
  )
}
