import { describe, expect, it } from 'vitest'
import { cells } from '../src/charts/heat'
import { expected, turbulence } from '../src/charts/series_data'
import { followed, type Loaded, placeOf, placesOf, timesAt, wanted } from '../src/charts/window'
import { rowsInSight } from '../src/ui/window'

describe('the stretch of bars to ask for', () => {
  const loaded: Loaded = { from: 0, to: 300_000, barS: 300, finestS: 60, isFirst: false, isLast: false }

  it('is none while what is loaded covers what is seen', () => {
    expect(wanted({ from: 50_000, to: 250_000 }, loaded)).toBeNull()
  })

  it('reaches as far again on both sides when the edge comes near', () => {
    expect(wanted({ from: 10_000, to: 210_000 }, loaded)).toEqual({ from: -190_000, to: 410_000 })
  })

  it('does not ask beyond the first and the last bar', () => {
    expect(wanted({ from: -90_000, to: 400_000 }, { ...loaded, isFirst: true, isLast: true })).toBeNull()
  })

  it('asks for finer bars once few are seen, unless there are none', () => {
    const seen = { from: 140_000, to: 160_000 }
    expect(wanted(seen, loaded)).toEqual({ from: 120_000, to: 180_000 })
    expect(wanted(seen, { ...loaded, finestS: 300 })).toBeNull()
  })
})

it('keeps what is seen when other bars are drawn, beside them too', () => {
  const coarse = { times: [0, 600, 1200], barS: 600 }
  const fine = { times: [0, 300, 600, 900, 1200, 1500], barS: 300 }
  const seen = timesAt(coarse, { from: -2, to: 3.5 })
  expect(seen).toEqual({ from: -1200, to: 2100 })
  expect(placesOf(fine, seen)).toEqual({ from: -4, to: 7 })
  expect(timesAt(fine, placesOf(fine, { from: 450, to: 1350 }))).toEqual({ from: 450, to: 1350 })
})

it('moves on with the bars that come, unless the past is in sight', () => {
  const grown = { times: [0, 300, 600, 900, 90_000], barS: 300 } // two came, one of them behind a night
  expect(followed(grown, { from: -1, to: 6 }, 600)).toEqual({ from: 1, to: 8 })
  expect(followed(grown, { from: -1, to: 1.5 }, 600)).toEqual({ from: -1, to: 1.5 })
  expect(followed(grown, { from: -1, to: 6 }, 90_000)).toEqual({ from: -1, to: 6 })
})

it('finds the bar that an instant falls into', () => {
  expect([5, 10, 19, 20, 99].map((t) => placeOf([10, 20, 30], t))).toEqual([-1, 0, 0, 1, 2])
})

it('draws only the rows in sight, and some beside', () => {
  expect(rowsInSight({ top: 28_000, height: 560 }, 5000, 28)).toEqual({ first: 988, end: 1032 })
  expect(rowsInSight({ top: 10_000, height: 560 }, 20, 28)).toEqual({ first: 20, end: 20 })
  expect(rowsInSight(null, 20, 28)).toEqual({ first: 0, end: 20 })
})

const BARS = {
  t: [0, 300, 600], open: [1, 1, 1], high: [1, 1, 1], low: [1, 1, 1], close: [100, 110, 120], volume: [1, 1, 1],
  timeframe: '5m', aggregated_to: '5m', first: 0, last: 600, live_from_s: null,
}

it('draws a forecast where it was for, from the close that was known when it was made', () => {
  const forecast = {
    asset: 'A', horizon: '5m', prediction: 0.1, confidence: null, band: [-0.1, 0.2] as [number, number],
    forecast_id: null, model_version: 'm',
  }
  const { line, band } = expected(
    [{ ...forecast, timestamp: '1970-01-01T00:15:00Z' }, { ...forecast, timestamp: '1970-01-01T00:05:00Z' }], BARS,
  )
  expect(line.map(({ time, value }) => [time, Math.round(value)])).toEqual([[600, 110], [1200, 132]])
  expect(band.map(({ low, high }) => [Math.round(low), Math.round(high)])).toEqual([[90, 120], [108, 144]])
})

it('shades a turbulent stretch to the end of the bars', () => {
  const regimes = { t: [0, 310, 420, 650], p_turbulent: [0.1, 0.9, 0.2, 0.8] }
  expect(turbulence(regimes, BARS.t)).toEqual([])
  expect(turbulence({ ...regimes, p_turbulent: [0.9, 0.9, 0.9, 0.1] }, BARS.t)).toEqual([{ from: 0, to: 600 }])
  expect(turbulence({ ...regimes, p_turbulent: [0.1, 0.9, 0.9, null] }, BARS.t)).toEqual([{ from: 300, to: 600 }])
})

it('averages a heat map to the cells that fit, and leaves out what is not known', () => {
  const found = cells([[1, 3, null, null, -2]], [0, 1, 2, 3, 4], 3)
  expect(found).toEqual({ rows: [[2, null, -2]], t: [0, 2, 4], scale: 2 })
})
