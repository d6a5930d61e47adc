// A table of a list that comes page by page.

import { useInfiniteQuery } from '@tanstack/react-query'
import { type ReactNode, useMemo } from 'react'
import type { Listing } from '../api/queries'
import { type Column, DataTable } from './data_table'
import { With } from './states'

interface PagedProps<Row> {
  label: string
  query: Listing<Row>
  /** Or what makes them of the rows that have come. */
  columns: readonly Column<Row>[] | ((rows: readonly Row[]) => readonly Column<Row>[])
  keyOf: (row: Row, index: number) => string
  empty: ReactNode
  isChosen?: (row: Row) => boolean
  tall?: boolean
}

export function Paged<Row extends object>({ query, columns, ...table }: PagedProps<Row>) {
  const asked = useInfiniteQuery(query)
  const rows = useMemo(() => asked.data?.pages.flatMap((page) => page.items) ?? [], [asked.data])
  const defined = useMemo(() => (typeof columns === 'function' ? columns(rows) : columns), [columns, rows])
  const more = {
    has: asked.hasNextPage,
    isLoading: asked.isFetchingNextPage,
    load: () => void asked.fetchNextPage(),
  }
  return (
    <With of={asked} lines={5}>{() => <DataTable {...table} rows={rows} columns={defined} more={more} />}</With>
  )
}
