// A heat map of symbols over time on a canvas; the pointer reads the cell below it.

import { type PointerEvent, useEffect, useMemo, useRef, useState } from 'react'
import { When } from '../time/context'
import { digitsFor, signed } from '../ui/numbers'
import { useTheme } from '../ui/theme'
import { cells, type Cells, strength } from './heat'
import { palette } from './theme'

interface HeatMapProps {
  label: string
  symbols: readonly string[]
  t: readonly number[]
  rows: readonly (readonly (number | null)[])[]
}

const ROW_PX = 26
const CELL_PX = 3

export function HeatMap({ label, symbols, t, rows }: HeatMapProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [width, setWidth] = useState(0)
  const [at, setAt] = useState<{ row: number; cell: number } | null>(null)
  const theme = useTheme()
  const data = useMemo(() => cells(rows, t, Math.floor(width / CELL_PX)), [rows, t, width])

  useEffect(() => {
    const box = canvas.current
    if (!box) return
    const watch = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)))
    watch.observe(box)
    return () => watch.disconnect()
  }, [])

  useEffect(() => {
    if (canvas.current && width > 0) draw(canvas.current, data, width)
  }, [data, width, theme])

  const look = (event: PointerEvent<HTMLCanvasElement>) => {
    const box = event.currentTarget.getBoundingClientRect()
    const cell = Math.floor(((event.clientX - box.left) / box.width) * data.t.length)
    const row = Math.floor((event.clientY - box.top) / ROW_PX)
    setAt(row >= 0 && row < symbols.length && cell >= 0 && cell < data.t.length ? { row, cell } : null)
  }
  const digits = digitsFor(data.scale)
  const value = at ? data.rows[at.row]?.[at.cell] : undefined
  return (
    <div className="heat">
      <p className="legend num">
        {at ? (
          <><b>{symbols[at.row]}</b> <When at={data.t[at.cell]} style="full" /> <span>{value === null || value === undefined ? 'unknown' : signed(value, digits)}</span></>
        ) : (
          <span className="soft">Blue is up, ochre is down; the strongest shade is {signed(data.scale, digits).replace('+', '±')} or more. Point at a cell.</span>
        )}
      </p>
      <div className="heat-box">
        <ul aria-hidden="true">{symbols.map((symbol) => <li key={symbol}>{symbol}</li>)}</ul>
        <canvas ref={canvas} role="img" aria-label={label} style={{ height: symbols.length * ROW_PX }}
          onPointerMove={look} onPointerLeave={() => setAt(null)} />
      </div>
      <p className="heat-axis soft"><When at={data.t[0]} style="full" /><When at={data.t.at(-1)} style="full" /></p>
    </div>
  )
}

function draw(canvas: HTMLCanvasElement, data: Cells, width: number): void {
  const ratio = window.devicePixelRatio || 1
  canvas.width = width * ratio
  canvas.height = data.rows.length * ROW_PX * ratio
  const context = canvas.getContext('2d')
  if (!context) return
  const style = getComputedStyle(document.documentElement)
  const colours = { up: style.getPropertyValue('--heat-up'), down: style.getPropertyValue('--heat-down'), ground: palette().ground }
  context.scale(ratio, ratio)
  context.fillStyle = colours.ground
  context.fillRect(0, 0, width, data.rows.length * ROW_PX)
  const cellWidth = width / Math.max(1, data.t.length)
  data.rows.forEach((row, y) => {
    row.forEach((value, x) => {
      if (value === null || value === 0) return
      context.globalAlpha = strength(value, data.scale)
      context.fillStyle = value > 0 ? colours.up : colours.down
      context.fillRect(x * cellWidth, y * ROW_PX + 1, Math.ceil(cellWidth), ROW_PX - 2)
    })
  })
  context.globalAlpha = 1
}
