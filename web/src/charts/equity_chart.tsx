// Equity above, and how far below its peak underneath; one curve or several beside each other.

import { BaselineSeries, type ISeriesApi, LineSeries, type Time } from 'lightweight-charts'
import { useCallback, useEffect, useRef } from 'react'
import { useEquity } from '../live/context'
import type { EquityPoint } from '../live/messages'
import { signed } from '../ui/numbers'
import { line } from './series_data'
import { GROUPED } from './theme'
import { useChart } from './use_chart'

export interface Curve {
  name: string
  t: readonly number[]
  equity: readonly (number | null)[]
  drawdown: readonly (number | null)[]
}

interface EquityChartProps {
  label: string
  curves: readonly Curve[]
  /** A book whose equity goes on live. */
  book?: string
  className?: string
}

interface Drawn {
  equity: ISeriesApi<'Line'>
  drawdown: ISeriesApi<'Baseline'>
  last: number
}

const NO_TOP_FILL = { topFillColor1: 'transparent', topFillColor2: 'transparent' }
const NO_BOTTOM_FILL = { bottomFillColor1: 'transparent', bottomFillColor2: 'transparent' }
const FEWEST = 2
const FEW = 600 // more points than this are drawn with a hair line

export function EquityChart({ label, curves, book = '', className = '' }: EquityChartProps) {
  const [box, made] = useChart()
  const drawn = useRef<Drawn[]>([])

  useEffect(() => {
    if (!made) return
    const { chart, colours } = made
    const isOne = curves.length === 1
    drawn.current = curves.map((curve, place) => {
      const color = isOne ? colours.accent : (colours.series[place % colours.series.length] ?? colours.accent)
      const plain = { priceLineVisible: false, lastValueVisible: isOne, title: isOne ? '' : String(place + 1) }
      const equity = chart.addSeries(LineSeries, { ...plain, color, priceFormat: GROUPED, lineWidth: curve.t.length > FEW ? 1 : 2 }, 0)
      const drawdown = chart.addSeries(
        BaselineSeries,
        {
          ...plain,
          baseValue: { type: 'price', price: 0 },
          topLineColor: isOne ? colours.loss : color,
          bottomLineColor: isOne ? colours.loss : color,
          ...NO_TOP_FILL,
          ...(isOne ? { bottomFillColor1: colours.depth, bottomFillColor2: colours.depth } : NO_BOTTOM_FILL),
          lineWidth: 1,
          priceFormat: { type: 'custom', formatter: (value: number) => `${signed(value * 100, 1)} %`, minMove: 0.001 },
        },
        1,
      )
      equity.setData(line(curve.t, curve.equity))
      drawdown.setData(line(curve.t, curve.drawdown.map((value) => (value === null ? null : -Math.abs(value)))))
      return { equity, drawdown, last: curve.t.at(-1) ?? 0 }
    })
    chart.panes()[0]?.setStretchFactor(3)
    chart.panes()[1]?.setStretchFactor(1)
    chart.timeScale().fitContent()
    return () => {
      const series = drawn.current.flatMap(({ equity, drawdown }) => [equity, drawdown])
      drawn.current = []
      if (!made.isRemoved) for (const each of series) chart.removeSeries(each)
    }
  }, [made, curves])

  const extend = useCallback(({ t, equity, drawdown }: EquityPoint) => {
    const first = drawn.current[0]
    if (!first || t < first.last) return
    first.last = t
    first.equity.update({ time: t as Time, value: equity })
    first.drawdown.update({ time: t as Time, value: -Math.abs(drawdown) })
  }, [])
  useEquity(book, extend)

  const isShort = curves.every((curve) => curve.t.length < FEWEST)
  return (
    <>
      {isShort && <p className="soft">The curve begins with the second bar.</p>}
      <div className={`chart ${className}`} ref={box} role="figure" aria-label={label} />
    </>
  )
}
