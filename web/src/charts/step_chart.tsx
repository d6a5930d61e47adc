// A value that stands until it changes.

import { LineSeries, LineType, type Time } from 'lightweight-charts'
import { useEffect } from 'react'
import { useChart } from './use_chart'

export function StepChart({ label, points }: { label: string; points: readonly { t: number; value: number }[] }) {
  const [box, made] = useChart()
  useEffect(() => {
    if (!made) return
    const series = made.chart.addSeries(LineSeries, {
      color: made.colours.accent, lineWidth: 1, lineType: LineType.WithSteps, priceLineVisible: false,
      priceFormat: { type: 'price', precision: 2, minMove: 0.01 },
    })
    // Of several changes at one instant the last one stands.
    const last = new Map(points.map(({ t, value }) => [t, value]))
    series.setData([...last].sort(([a], [b]) => a - b).map(([t, value]) => ({ time: t as Time, value })))
    made.chart.timeScale().fitContent()
    return () => {
      if (!made.isRemoved) made.chart.removeSeries(series)
    }
  }, [made, points])
  return <div className="chart short" ref={box} role="figure" aria-label={label} />
}
