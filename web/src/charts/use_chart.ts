// A chart in a box: made once, in the colours of the theme, and removed with its component.

import { createChart, type IChartApi } from 'lightweight-charts'
import { type RefObject, useEffect, useRef, useState } from 'react'
import { useTheme } from '../ui/theme'
import { useZone } from '../time/context'
import { chartOptions, type Palette, palette } from './theme'

export interface Made {
  chart: IChartApi
  colours: Palette
  /** The chart is gone, and its series with it. */
  isRemoved: boolean
}

/** Give the chart once its box stands; a new theme or zone makes a new one. */
export function useChart(): [RefObject<HTMLDivElement | null>, Made | null] {
  const box = useRef<HTMLDivElement>(null)
  const [made, setMade] = useState<Made | null>(null)
  const zone = useZone()
  const theme = useTheme()
  useEffect(() => {
    if (!box.current) return
    const colours = palette()
    const chart = createChart(box.current, chartOptions(colours, zone))
    const here: Made = { chart, colours, isRemoved: false }
    setMade(here)
    return () => {
      here.isRemoved = true
      setMade(null)
      chart.remove()
    }
  }, [zone, theme])
  return [box, made]
}
