import { describe, expect, it } from 'vitest'
import { age, instant, inUtc, timeframeSeconds } from '../src/time/format'

const at = (text: string) => Date.parse(text)

describe('instants in the desk’s zone', () => {
  it('know summer and winter time', () => {
    expect(instant(at('2024-07-01T00:05:00Z'), 'Europe/Berlin', 'full')).toBe('2024-07-01 02:05:00 CEST')
    expect(instant(at('2024-01-01T23:30:00Z'), 'Europe/Berlin', 'full')).toBe('2024-01-02 00:30:00 CET')
    expect(inUtc(at('2024-07-01T00:05:00Z'))).toBe('2024-07-01 00:05:00 UTC')
  })

  it('tell the two halves of the hour that comes twice apart', () => {
    const first = instant(at('2024-10-27T00:30:00Z'), 'Europe/Berlin', 'full')
    const second = instant(at('2024-10-27T01:30:00Z'), 'Europe/Berlin', 'full')
    expect([first, second]).toEqual(['2024-10-27 02:30:00 CEST', '2024-10-27 02:30:00 CET'])
  })

  it('never write midnight as 24', () => {
    expect(instant(at('2024-07-01T22:00:00Z'), 'Europe/Berlin', 'short')).toBe('07-02 00:00')
  })

  it('write nothing for what is no instant', () => {
    expect(instant(Number.NaN, 'Europe/Berlin', 'full')).toBe('–')
  })
})

it('writes ages in the unit that fits', () => {
  expect([4, 99, 100, 7200, 3 * 86_400, -1, null].map(age)).toEqual(['4 s', '99 s', '2 min', '2 h', '3 d', '0 s', '–'])
})

it('reads timeframes, and says of others that they are none', () => {
  expect(['1m', '4h', '1d'].map(timeframeSeconds)).toEqual([60, 14_400, 86_400])
  expect(timeframeSeconds('month')).toBeNaN()
})
