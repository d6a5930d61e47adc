// Which rows of a long table are in sight.

const BESIDE = 12 // drawn beyond each edge, so that scrolling shows no gap

export interface Sight {
  top: number
  height: number
}

/** Give the first row to draw and the one after the last; without a sight, all of them. */
export function rowsInSight(sight: Sight | null, count: number, rowPx: number): { first: number; end: number } {
  if (!sight) return { first: 0, end: count }
  const first = Math.max(0, Math.min(count, Math.floor(sight.top / rowPx) - BESIDE))
  const end = Math.min(count, Math.ceil((sight.top + sight.height) / rowPx) + BESIDE)
  return { first, end: Math.max(first, end) }
}
