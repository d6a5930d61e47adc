// Which stretch of bars to ask for, so that a million bars stay smooth: a few thousand at a time.

export interface Range {
  from: number
  to: number
}

export interface Loaded extends Range {
  /** Seconds that one loaded bar stands for, and that one of the timeframe would. */
  barS: number
  finestS: number
  /** Nothing is older, or newer, than what is loaded. */
  isFirst: boolean
  isLast: boolean
}

export const POINTS = 3000
const MARGIN = 1 // as much again on both sides of what is seen
const TOO_COARSE = 400 // fewer bars in sight than this, and finer ones exist: ask for them
const EDGE = 0.1

/**
 * Give the stretch to ask for when `seen` is in sight, in epoch seconds; null when what is loaded
 * will do: it covers what is seen and more, and is as fine as can be drawn.
 */
export function wanted(seen: Range, loaded: Loaded): Range | null {
  const width = seen.to - seen.from
  if (!(width > 0)) return null
  const leavesLeft = !loaded.isFirst && seen.from < loaded.from + width * EDGE
  const leavesRight = !loaded.isLast && seen.to > loaded.to - width * EDGE
  const isCoarse = loaded.barS > loaded.finestS && width / loaded.barS < TOO_COARSE
  if (!leavesLeft && !leavesRight && !isCoarse) return null
  return { from: Math.floor(seen.from - width * MARGIN), to: Math.ceil(seen.to + width * MARGIN) }
}

/** Give the place of the last value that is not above `t`; -1 when all are. */
export function placeOf(times: readonly number[], t: number): number {
  let low = 0
  let high = times.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((times[middle] ?? Number.POSITIVE_INFINITY) <= t) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** Bars as the time axis has them: one place each, and as many more of `barS` on both sides as are seen. */
export interface Axis {
  times: readonly number[]
  barS: number
}

/** Give the instants at two places of the axis, which may lie beside its bars. */
export function timesAt({ times, barS }: Axis, places: Range): Range {
  const at = (place: number): number => {
    const [first, last] = [times[0] ?? 0, times.at(-1) ?? 0]
    if (place <= 0) return first + place * barS
    if (place >= times.length - 1) return last + (place - times.length + 1) * barS
    const known = times[Math.floor(place)] ?? first
    return known + (place % 1) * ((times[Math.floor(place) + 1] ?? last) - known)
  }
  return { from: at(places.from), to: at(places.to) }
}

/** Move places on by the bars that came behind `lastBefore`, if that one was in sight. */
export function followed({ times }: Axis, places: Range, lastBefore: number): Range {
  const was = placeOf(times, lastBefore)
  const step = places.to < was ? 0 : times.length - 1 - was
  return { from: places.from + step, to: places.to + step }
}

/** Give the places of two instants: what `timesAt` was given. */
export function placesOf({ times, barS }: Axis, seen: Range): Range {
  const of = (t: number): number => {
    const [first, last] = [times[0] ?? 0, times.at(-1) ?? 0]
    if (t <= first) return (t - first) / barS
    if (t >= last) return times.length - 1 + (t - last) / barS
    const place = placeOf(times, t)
    const known = times[place] ?? first
    return place + (t - known) / ((times[place + 1] ?? last) - known)
  }
  return { from: of(seen.from), to: of(seen.to) }
}
