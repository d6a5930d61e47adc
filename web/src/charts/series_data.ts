// From columns of the API to what the charts draw.

import type { CandlestickData, HistogramData, LineData, Time, WhitespaceData } from 'lightweight-charts'
import type { Bars, Forecast, Regimes } from '../api/types'
import { timeframeSeconds } from '../time/format'
import type { BandPoint, Stretch } from './layers'
import { placeOf } from './window'

const at = (t: number): Time => t as Time

export function candles(bars: Bars): CandlestickData<Time>[] {
  return bars.t.map((t, i) => ({
    time: at(t),
    open: bars.open[i] ?? Number.NaN,
    high: bars.high[i] ?? Number.NaN,
    low: bars.low[i] ?? Number.NaN,
    close: bars.close[i] ?? Number.NaN,
  }))
}

export function volumes(bars: Bars, colour: string): HistogramData<Time>[] {
  return bars.t.map((t, i) => ({ time: at(t), value: bars.volume[i] ?? 0, color: colour }))
}

/** Draw a gap where a value is not known. */
export function line(t: readonly number[], values: readonly (number | null)[]): (LineData<Time> | WhitespaceData<Time>)[] {
  return t.map((each, i) => {
    const value = values[i]
    return value === null || value === undefined ? { time: at(each) } : { time: at(each), value }
  })
}

/** Give the stretches in which the market was turbulent, cut to the times of the bars. */
export function turbulence(regimes: Regimes, barTimes: readonly number[]): Stretch[] {
  const found: Stretch[] = []
  let from: number | null = null
  const snap = (t: number) => barTimes[Math.max(0, placeOf(barTimes, t))] ?? t
  regimes.t.forEach((t, i) => {
    const isTurbulent = (regimes.p_turbulent[i] ?? 0) > 0.5
    if (isTurbulent && from === null) from = t
    if (!isTurbulent && from !== null) {
      found.push({ from: snap(from), to: snap(t) })
      from = null
    }
  })
  const last = barTimes.at(-1)
  if (from !== null && last !== undefined) found.push({ from: snap(from), to: last })
  return found.filter((stretch) => stretch.to > stretch.from)
}

export interface Expected {
  line: LineData<Time>[]
  band: BandPoint[]
}

/**
 * Give what was expected of the price, drawn at the instant it was expected for: a forecast of
 * `timestamp` plus its horizon, made from the close that was known then. One per bar that is drawn.
 */
export function expected(forecasts: readonly Forecast[], bars: Bars): Expected {
  const byTime = new Map<number, { value: number; low: number | null; high: number | null }>()
  const step = (bars.t.at(-1) ?? 0) - (bars.t.at(-2) ?? 0)
  for (const forecast of [...forecasts].reverse()) {
    const made = Date.parse(forecast.timestamp) / 1000
    const known = placeOf(bars.t, made - 1) // the bar that closed by then
    const close = bars.close[known]
    const horizon = timeframeSeconds(forecast.horizon)
    // Of bars longer than the horizon a forecast says nothing that could be seen.
    if (typeof close !== 'number' || !Number.isFinite(horizon) || horizon < step) continue
    const target = snapped(made + horizon, bars.t, step)
    const [low = null, high = null] = forecast.band ?? []
    byTime.set(target, {
      value: close * (1 + forecast.prediction),
      low: low === null ? null : close * (1 + low),
      high: high === null ? null : close * (1 + high),
    })
  }
  const points = [...byTime].sort(([a], [b]) => a - b)
  const band: BandPoint[] = []
  for (const [t, { low, high }] of points) if (low !== null && high !== null) band.push({ t, low, high })
  return { line: points.map(([t, { value }]) => ({ time: at(t), value })), band }
}

/** Give the bar that an instant falls into; beyond the last one bars go on at their pace. */
function snapped(t: number, times: readonly number[], step: number): number {
  const last = times.at(-1)
  if (last === undefined || step <= 0) return t
  if (t > last) return last + Math.max(1, Math.round((t - last) / step)) * step
  return times[Math.max(0, placeOf(times, t))] ?? t
}
