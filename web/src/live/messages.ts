// What the live socket says, and what that changes in the pages' caches.

import type { QueryClient } from '@tanstack/react-query'
import type { BookStatus, BookSummary } from '../api/types'

interface Status extends BookSummary {
  type: 'status'
  book: string
}

export interface EquityPoint {
  type: 'equity'
  book: string
  /** Epoch seconds. */
  t: number
  equity: number
  drawdown: number
}

export type LiveMessage =
  | Status
  | EquityPoint
  // Of these only whose they are is read: the lists are asked again.
  | { type: 'order' | 'fill' | 'decision' | 'alert'; book: string }
  | { type: 'forecast' | 'risk' | 'heartbeat' }
  /** What cannot be read: a book, or without one anything. */
  | { type: 'error'; book?: string }

/** Merge the pushed summary into the list of books. */
export function withSummary(books: readonly BookSummary[], pushed: BookSummary): BookSummary[] {
  const isKnown = books.some((book) => book.name === pushed.name)
  if (!isKnown) return [...books, pushed]
  return books.map((book) => (book.name === pushed.name ? { ...book, ...pushed } : book))
}

/** Bring the caches up to date; lists are asked again, at most once a second each. */
export class LiveCache {
  private readonly due = new Set<string>()
  private readonly client: QueryClient

  constructor(client: QueryClient) {
    this.client = client
  }

  apply = (message: LiveMessage): void => {
    switch (message.type) {
      case 'status':
        this.status(message)
        break
      case 'order':
      case 'fill':
        this.refresh(['book', message.book, message.type === 'order' ? 'orders' : 'fills'])
        this.refresh(['book', message.book, 'status'])
        this.refresh(['markers'])
        break
      case 'decision':
        this.refresh(['book', message.book, 'decisions'])
        break
      case 'error':
        this.refresh(['status'])
        this.refresh(message.book ? ['book', message.book, 'status'] : ['book'])
        break
      case 'alert':
        this.refresh(['book', message.book, 'alerts'])
        break
      case 'forecast':
        this.refresh(['forecasts'])
        break
      case 'risk':
        this.refresh(['risk'])
        break
      case 'equity':
        this.marked(message)
        this.refresh(['bars', { book: message.book, until: undefined }]) // stretches with an end stay as they are
        break
      case 'heartbeat':
        break
    }
  }

  private status(message: Status): void {
    const { type: _, book: __, ...summary } = message
    this.client.setQueryData<{ books: BookSummary[] }>(['status'], (known) => ({
      books: withSummary(known?.books ?? [], summary),
    }))
    this.client.setQueryData<BookStatus>(['book', summary.name, 'status'], (known) => (known ? { ...known, ...summary } : known))
  }

  /** A mark comes with each bar, before the next summary does. */
  private marked({ book, equity, drawdown }: EquityPoint): void {
    this.client.setQueryData<{ books: BookSummary[] }>(['status'], (known) =>
      known ? { books: known.books.map((each) => (each.name === book ? { ...each, equity, drawdown } : each)) } : known,
    )
    this.client.setQueryData<BookStatus>(['book', book, 'status'], (known) => (known ? { ...known, equity, drawdown } : known))
  }

  private refresh(key: readonly unknown[]): void {
    const name = JSON.stringify(key)
    if (this.due.has(name)) return
    this.due.add(name)
    window.setTimeout(() => {
      this.due.delete(name)
      void this.client.invalidateQueries({ queryKey: key })
    }, 1000)
  }
}
