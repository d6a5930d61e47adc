import { expect, it } from 'vitest'
import { MORE, readFields } from '../src/desk/commands'
import { ASKING, type Step, type StepEvent, step } from '../src/desk/two_steps'

const run = (events: StepEvent[]): Step => events.reduce(step, ASKING)
const armed: StepEvent = { type: 'armed', answer: { nonce: 'n', expires_in: 30, books: ['demo'] }, now: 1000 }

it('needs both steps, and keeps the nonce that it was given for the second', () => {
  expect(run([{ type: 'confirm', now: 0 }])).toEqual(ASKING)
  expect(run([armed])).toEqual({ at: 'armed', nonce: 'n', endsAt: 31_000, books: ['demo'] })
  expect(run([armed, { type: 'confirm', now: 2000 }])).toEqual({ at: 'confirming' })
})

it('does nothing once the half minute is over', () => {
  expect(run([armed, { type: 'confirm', now: 31_000 }])).toEqual({ at: 'expired' })
  expect(run([armed, { type: 'tick', now: 31_000 }])).toEqual({ at: 'expired' })
  expect(run([armed, { type: 'tick', now: 30_999 }]).at).toBe('armed')
})

it('cannot be confirmed twice, nor asked anew while it is on its way', () => {
  const sent: StepEvent[] = [armed, { type: 'confirm', now: 2000 }]
  expect(run([...sent, { type: 'confirm', now: 2001 }]).at).toBe('confirming')
  expect(run([...sent, { type: 'ask' }]).at).toBe('confirming')
})

it('begins again at the first step after a failure', () => {
  const error = new Error('no')
  expect(run([{ type: 'failed', error }])).toEqual({ at: 'failed', error })
  expect(run([{ type: 'failed', error }, { type: 'ask' }])).toEqual(ASKING)
})

it('sends the limits that were typed, and no others', () => {
  const fields = MORE.find(({ id }) => id === 'tighten')?.fields ?? []
  expect(readFields(fields, { max_orders_per_day: '3', risk_multiplier: ' 0.5 ', daily_loss_bps: '' })).toEqual({
    limits: { max_orders_per_day: 3, risk_multiplier: 0.5 },
  })
})
