// The life of the live socket as a pure machine: events in, the next state and effects out.

export type Phase = 'off' | 'connecting' | 'greeting' | 'open' | 'waiting'

export interface Link {
  phase: Phase
  /** Failed tries since the last message that was heard. */
  tries: number
  heardAt: number | null
  retryAt: number | null
}

export type LinkEvent =
  | { type: 'start' }
  | { type: 'stop' }
  | { type: 'opened' }
  | { type: 'heard'; at: number }
  | { type: 'closed'; code: number; at: number; chance: number }
  | { type: 'due' }
  | { type: 'tick'; at: number }
  | { type: 'renewed' }

export type Effect =
  | { do: 'connect'; withNewToken: boolean }
  | { do: 'greet' }
  | { do: 'wait'; ms: number; withNewToken: boolean }
  | { do: 'close' }

export const EXPIRED = 4401
export const SILENCE_MS = 15_000 // three heartbeats
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000

export const OFF: Link = { phase: 'off', tries: 0, heardAt: null, retryAt: null }

/** Wait twice as long each time, up to half a minute, less a share of chance: not all at once. */
export function backOff(tries: number, chance: number): number {
  const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries)
  return Math.round(most * (1 - chance / 2))
}

export function next(link: Link, event: LinkEvent): [Link, Effect[]] {
  switch (event.type) {
    case 'start':
      if (link.phase !== 'off') return [link, []]
      return [{ ...link, phase: 'connecting', tries: 0 }, [{ do: 'connect', withNewToken: false }]]
    case 'stop':
      return [OFF, link.phase === 'off' ? [] : [{ do: 'close' }]]
    case 'opened':
      if (link.phase !== 'connecting') return [link, []]
      return [{ ...link, phase: 'greeting' }, [{ do: 'greet' }]]
    case 'renewed':
      // The server takes a new token on an open socket; it never travels in an address.
      return [link, link.phase === 'open' ? [{ do: 'greet' }] : []]
    case 'heard':
      if (link.phase !== 'greeting' && link.phase !== 'open') return [link, []]
      return [{ phase: 'open', tries: 0, heardAt: event.at, retryAt: null }, []]
    case 'closed': {
      if (link.phase === 'off' || link.phase === 'waiting') return [link, []]
      const ms = backOff(link.tries, event.chance)
      const waiting: Link = { ...link, phase: 'waiting', tries: link.tries + 1, retryAt: event.at + ms }
      return [waiting, [{ do: 'wait', ms, withNewToken: event.code === EXPIRED }]]
    }
    case 'due':
      if (link.phase !== 'waiting') return [link, []]
      return [{ ...link, phase: 'connecting', retryAt: null }, [{ do: 'connect', withNewToken: false }]]
    case 'tick': {
      const isSilent = link.phase === 'open' && link.heardAt !== null && event.at - link.heardAt > SILENCE_MS
      return [link, isSilent ? [{ do: 'close' }] : []]
    }
  }
}
