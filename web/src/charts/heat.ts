// A heat map's numbers: cells for the pixels there are, and a colour by sign and size.

export interface Cells {
  /** One row per symbol; null where nothing is known. */
  rows: (number | null)[][]
  /** Epoch seconds of the first value of each cell. */
  t: number[]
  /** The size that the strongest colour stands for: the 98th percentile. */
  scale: number
}

/** Average neighbours until no more than `most` cells are left in a row. */
export function cells(rows: readonly (readonly (number | null)[])[], t: readonly number[], most: number): Cells {
  const size = Math.max(1, Math.ceil(t.length / Math.max(1, most)))
  const count = Math.ceil(t.length / size)
  const merged = rows.map((row) =>
    Array.from({ length: count }, (_, cell) => mean(row.slice(cell * size, (cell + 1) * size))),
  )
  const sizes = merged.flat().filter((value) => value !== null).map(Math.abs).sort((a, b) => a - b)
  const scale = sizes[Math.floor((sizes.length - 1) * 0.98)] ?? 0
  return { rows: merged, t: Array.from({ length: count }, (_, cell) => t[cell * size] ?? 0), scale }
}

function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null
}

/** Give how strong a colour is, 0 to 1, in even steps that the eye can tell apart. */
export function strength(value: number, scale: number, steps = 8): number {
  if (scale <= 0) return 0
  return Math.ceil(Math.min(1, Math.abs(value) / scale) * steps) / steps
}
