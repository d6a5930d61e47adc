// The live link for the pages: its state, and equity as it comes.

import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useMemo, useSyncExternalStore } from 'react'
import type { Link } from './machine'
import { OFF } from './machine'
import { type EquityPoint, LiveCache, type LiveMessage } from './messages'
import { LiveSocket } from './socket'

type EquityListener = (point: EquityPoint) => void

class Live {
  readonly socket: LiveSocket
  private readonly onEquity = new Set<EquityListener>()

  constructor(cache: LiveCache) {
    this.socket = new LiveSocket((message: LiveMessage) => {
      cache.apply(message)
      if (message.type === 'equity') for (const listener of this.onEquity) listener(message)
    })
  }

  listen(listener: EquityListener): () => void {
    this.onEquity.add(listener)
    return () => this.onEquity.delete(listener)
  }
}

const LiveContext = createContext<Live | null>(null)

export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient()
  const live = useMemo(() => new Live(new LiveCache(client)), [client])
  useEffect(() => {
    live.socket.start()
    return () => live.socket.stop()
  }, [live])
  return <LiveContext value={live}>{children}</LiveContext>
}

const none = (): (() => void) => () => undefined

export function useLink(): Link {
  const socket = useContext(LiveContext)?.socket
  return useSyncExternalStore(socket?.subscribe ?? none, socket?.snapshot ?? (() => OFF))
}

export function useEquity(book: string, listener: EquityListener): void {
  const live = useContext(LiveContext)
  useEffect(
    () => live?.listen((point) => point.book === book && listener(point)),
    [live, book, listener],
  )
}
