// A table of a list that comes page by page.

import { useInfiniteQuery } from '@tanstack/react-query'
import { type ReactNode, useMemo } from 'react'
import type { Listing } from '../api/queries'
import { type Column, DataTable } from './data_table'
import { Failure, Loading } from './states'

interface PagedProps<Row> {
  label: string
  query: Listing<Row>
  columns: readonly Column<Row>[]
  keyOf: (row: Row, index: number) => string
  empty: ReactNode
  isChosen?: (row: Row) => boolean
  tall?: boolean
}

export function Paged<Row extends object>({ query, ...table }: PagedProps<Row>) {
  const asked = useInfiniteQuery(query)
  const rows = useMemo(() => asked.data?.pages.flatMap((page) => page.items) ?? [], [asked.data])
  if (!asked.data) {
    return asked.error ? <Failure error={asked.error} retry={() => void asked.refetch()} /> : <Loading lines={5} />
  }
  const more = {
    has: asked.hasNextPage,
    isLoading: asked.isFetchingNextPage,
    load: () => void asked.fetchNextPage(),
  }
  return (
    <>
      {asked.error && <Failure error={asked.error} retry={() => void asked.refetch()} />}
      <DataTable {...table} rows={rows} more={more} />
    </>
  )
}
