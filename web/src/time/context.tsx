// The desk's time zone, and a clock that ticks once a second.

import { createContext, useContext, useSyncExternalStore } from 'react'
import { age, inUtc, instant, type Style } from './format'

export const ZoneContext = createContext('Europe/Berlin')
export const useZone = (): string => useContext(ZoneContext)

const listeners = new Set<() => void>()
let now = Math.floor(Date.now() / 1000) * 1000
let timer: number | undefined

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= window.setInterval(() => {
    now = Math.floor(Date.now() / 1000) * 1000
    for (const each of listeners) each()
  }, 1000)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    window.clearInterval(timer)
    timer = undefined
  }
}

/** Give the present in epoch milliseconds, by the whole second. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => now)

interface WhenProps {
  at: string | number | null | undefined
  style?: Style
}

/** An instant (ISO text or epoch seconds) in the desk's zone; UTC in its title. */
export function When({ at, style = 'short' }: WhenProps) {
  const zone = useZone()
  if (at === null || at === undefined || at === '') return <span className="soft">–</span>
  const ms = typeof at === 'number' ? at * 1000 : Date.parse(at)
  if (!Number.isFinite(ms)) return <span>{String(at)}</span>
  return (
    <time dateTime={new Date(ms).toISOString()} title={`${inUtc(ms)}\n${instant(ms, zone, 'full')}`}>
      {instant(ms, zone, style)}
    </time>
  )
}

/** How long ago something was, counted on since it was told. */
export function Since({ seconds, toldAt }: { seconds: number | null; toldAt: number }) {
  const present = useNow()
  if (seconds === null) return <>–</>
  return <>{age(seconds + Math.max(0, present - toldAt) / 1000)}</>
}
