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
