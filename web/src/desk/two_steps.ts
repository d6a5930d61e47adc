// Two steps to a deed that cannot be undone, as a pure machine: ask, see what it means, confirm.

import type { Armed } from '../api/types'

export type Step =
  | { at: 'idle' }
  | { at: 'asking' }
  | { at: 'armed'; nonce: string; endsAt: number; books: string[] }
  | { at: 'confirming'; nonce: string }
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
  | { type: 'reset' }

export const IDLE: Step = { at: 'idle' }

export function step(now: Step, event: StepEvent): Step {
  switch (event.type) {
    case 'reset':
      // What is on its way to the desk cannot be called back.
      return now.at === 'confirming' ? now : IDLE
    case 'ask':
      return now.at === 'idle' || now.at === 'expired' || now.at === 'failed' ? { at: 'asking' } : now
    case 'armed': {
      if (now.at !== 'asking') return now
      const { nonce, expires_in, books } = event.answer
      return { at: 'armed', nonce, endsAt: event.now + expires_in * 1000, books: books ?? [] }
    }
    case 'confirm':
      if (now.at !== 'armed') return now
      return event.now < now.endsAt ? { at: 'confirming', nonce: now.nonce } : { at: 'expired' }
    case 'tick':
      return now.at === 'armed' && event.now >= now.endsAt ? { at: 'expired' } : now
    case 'done':
      return now.at === 'confirming' ? { at: 'done', said: event.said } : now
    case 'failed':
      return now.at === 'asking' || now.at === 'confirming' ? { at: 'failed', error: event.error } : now
  }
}
