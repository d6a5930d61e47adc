import { expect, it } from 'vitest'
import { backOff, EXPIRED, type Effect, type Link, type LinkEvent, next, OFF, SILENCE_MS } from '../src/live/machine'

function run(events: LinkEvent[], from: Link = OFF): { link: Link; effects: Effect[] } {
  let link = from
  const effects: Effect[] = []
  for (const event of events) {
    const [after, wanted] = next(link, event)
    link = after
    effects.push(...wanted)
  }
  return { link, effects }
}

const OPEN: LinkEvent[] = [{ type: 'start' }, { type: 'opened' }, { type: 'heard', at: 1000 }]

it('connects, greets, and is open once it has heard', () => {
  const { link, effects } = run(OPEN)
  expect(link).toEqual({ phase: 'open', tries: 0, heardAt: 1000, retryAt: null })
  expect(effects.map((effect) => effect.do)).toEqual(['connect', 'greet'])
})

it('waits longer after each failure and begins anew once it has heard', () => {
  const closed: LinkEvent = { type: 'closed', code: 1006, at: 0, chance: 0 }
  const { link, effects } = run([{ type: 'start' }, closed, { type: 'due' }, closed, { type: 'due' }, closed])
  expect(effects.flatMap((effect) => (effect.do === 'wait' ? [effect.ms] : []))).toEqual([500, 1000, 2000])
  expect(run([{ type: 'due' }, { type: 'opened' }, { type: 'heard', at: 9 }], link).link.tries).toBe(0)
})

it('never waits longer than half a minute, nor less than half of its turn', () => {
  expect(backOff(50, 0)).toBe(30_000)
  expect(backOff(50, 1)).toBe(15_000)
})

it('asks for a new token when the old one has expired', () => {
  const { effects } = run([...OPEN, { type: 'closed', code: EXPIRED, at: 0, chance: 0 }])
  expect(effects.at(-1)).toMatchObject({ do: 'wait', withNewToken: true })
})

it('greets again with a renewed token, but only where somebody listens', () => {
  expect(run([...OPEN, { type: 'renewed' }]).effects.at(-1)).toEqual({ do: 'greet' })
  expect(run([{ type: 'start' }, { type: 'renewed' }]).effects.map((effect) => effect.do)).toEqual(['connect'])
})

it('gives up a link that has gone silent', () => {
  const { link } = run(OPEN)
  expect(next(link, { type: 'tick', at: 1000 + SILENCE_MS })[1]).toEqual([])
  expect(next(link, { type: 'tick', at: 1001 + SILENCE_MS })[1]).toEqual([{ do: 'close' }])
})

it('stays off when a socket that was given up closes late', () => {
  const { link, effects } = run([...OPEN, { type: 'stop' }, { type: 'closed', code: 1000, at: 0, chance: 0 }])
  expect(link).toEqual(OFF)
  expect(effects.at(-1)).toEqual({ do: 'close' })
})
