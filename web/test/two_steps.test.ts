import { expect, it } from 'vitest'
import { MORE, readFields } from '../src/desk/commands'
import { IDLE, type Step, type StepEvent, step } from '../src/desk/two_steps'

const run = (events: StepEvent[]): Step => events.reduce(step, IDLE)
const armed: StepEvent = { type: 'armed', answer: { nonce: 'n', expires_in: 30, books: ['demo'] }, now: 1000 }

it('needs both steps, and sends the nonce that it was given', () => {
  expect(run([{ type: 'confirm', now: 0 }])).toEqual(IDLE)
  expect(run([{ type: 'ask' }, armed, { type: 'confirm', now: 2000 }])).toEqual({ at: 'confirming', nonce: 'n' })
})

it('does nothing once the half minute is over', () => {
  expect(run([{ type: 'ask' }, armed, { type: 'confirm', now: 31_000 }])).toEqual({ at: 'expired' })
  expect(run([{ type: 'ask' }, armed, { type: 'tick', now: 31_000 }])).toEqual({ at: 'expired' })
  expect(run([{ type: 'ask' }, armed, { type: 'tick', now: 30_999 }]).at).toBe('armed')
})

it('cannot be confirmed twice, nor taken back while it is on its way', () => {
  const sent: StepEvent[] = [{ type: 'ask' }, armed, { type: 'confirm', now: 2000 }]
  expect(run([...sent, { type: 'confirm', now: 2001 }]).at).toBe('confirming')
  expect(run([...sent, { type: 'reset' }]).at).toBe('confirming')
})

it('forgets a nonce that comes after it was left', () => {
  expect(run([{ type: 'ask' }, { type: 'reset' }, armed])).toEqual(IDLE)
})

it('begins again at the first step after a failure', () => {
  const error = new Error('no')
  expect(run([{ type: 'ask' }, { type: 'failed', error }, { type: 'ask' }])).toEqual({ at: 'asking' })
})

it('sends the limits that were typed, and no others', () => {
  const fields = MORE.find(({ id }) => id === 'tighten')?.fields ?? []
  expect(readFields(fields, { max_orders_per_day: '3', risk_multiplier: ' 0.5 ', daily_loss_bps: '' })).toEqual({
    limits: { max_orders_per_day: 3, risk_multiplier: 0.5 },
  })
})
