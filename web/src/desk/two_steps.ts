// Two steps to a deed that cannot be undone, as a pure machine: ask, see what it means, confirm.

import type { Armed } from '../api/types'

export type Step =
  | { at: 'asking' }
  | { at: 'armed'; nonce: string; endsAt: number; books: string[] }
  | { at: 'confirming' }
  | { at: 'done'; said: string }
  | { at: 'failed'; error: unknown }
  | { at: 'expired' }

export type StepEvent =
  | { type: 'ask' }
  | { type: 'armed'; answer: Armed; now: number }
  | { type: 'confirm'; now: number }
  | { type: 'done'; said: string }
  | { type: 'failed'; error: unknown }
  | { type: 'tick'; now: number }

/** Whoever begins has asked already: in a hurry two clicks have to do. */
export const ASKING: Step = { at: 'asking' }

export function step(now: Step, event: StepEvent): Step {
  switch (event.type) {
    case 'ask':
      return now.at === 'expired' || now.at === 'failed' ? ASKING : now
    case 'armed': {
      if (now.at !== 'asking') return now
      const { nonce, expires_in, books } = event.answer
      return { at: 'armed', nonce, endsAt: event.now + expires_in * 1000, books }
    }
    case 'confirm':
      if (now.at !== 'armed') return now
      return { at: event.now < now.endsAt ? 'confirming' : 'expired' }
    case 'tick':
      return now.at === 'armed' && event.now >= now.endsAt ? { at: 'expired' } : now
    case 'done':
      return now.at === 'confirming' ? { at: 'done', said: event.said } : now
    case 'failed':
      return now.at === 'asking' || now.at === 'confirming' ? { at: 'failed', error: event.error } : now
  }
}
