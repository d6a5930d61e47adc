// Bars with volume, what the desk did, what it expected, and how the market was.

import {
  CandlestickSeries, createSeriesMarkers, HistogramSeries, type IChartApi, type ISeriesApi, type ISeriesMarkersPluginApi,
  LineSeries, LineStyle, type SeriesMarker, type Time,
} from 'lightweight-charts'
import { useEffect, useRef, useState } from 'react'
import type { Bars, Forecast, Marker, Regimes } from '../api/types'
import { When } from '../time/context'
import { timeframeSeconds } from '../time/format'
import { counted, fixed, price } from '../ui/numbers'
import { Band, Shading } from './layers'
import { candles, expected, turbulence, volumes } from './series_data'
import { GROUPED, type Palette } from './theme'
import { useChart } from './use_chart'
import { type Axis, followed, type Loaded, placeOf, placesOf, POINTS, type Range, timesAt, wanted } from './window'

interface PriceChartProps {
  /** Changes when a person asks for another span: then all of it is shown, or its latest bars. */
  subject: string
  isWhole: boolean
  /** The bars are those that were asked for last, not those of before. */
  isSettled: boolean
  bars: Bars
  asked: Partial<Range>
  markers: readonly Marker[]
  regimes: Regimes | undefined
  forecasts: readonly Forecast[]
  onWant: (range: Range) => void
  onOrder: (marker: Marker) => void
}

interface Parts {
  price: ISeriesApi<'Candlestick'>
  volume: ISeriesApi<'Histogram'>
  forecast: ISeriesApi<'Line'>
  marks: ISeriesMarkersPluginApi<Time>
  shading: Shading
  band: Band
}

interface Drawn extends Axis {
  /** Nothing ends it but the last bar there is: what comes is followed. */
  isOpen: boolean
}

const LATEST = 260

function build(chart: IChartApi, colours: Palette): Parts {
  const volume = chart.addSeries(HistogramSeries, {
    priceScaleId: 'volume', priceFormat: { type: 'volume' }, lastValueVisible: false, priceLineVisible: false,
  })
  chart.priceScale('volume').applyOptions({ scaleMargins: { top: 0.86, bottom: 0 } })
  const series = chart.addSeries(CandlestickSeries, {
    upColor: colours.ground, borderUpColor: colours.gain, wickUpColor: colours.gain,
    priceFormat: GROUPED, priceLineColor: colours.soft, downColor: colours.loss, borderDownColor: colours.loss, wickDownColor: colours.loss,
  })
  const forecast = chart.addSeries(LineSeries, {
    color: colours.accent, lineWidth: 2, lineStyle: LineStyle.Dotted, lastValueVisible: false, priceLineVisible: false,
    crosshairMarkerVisible: false, priceFormat: GROUPED,
  })
  const [shading, band] = [new Shading(colours.turbulent), new Band(colours.band)]
  series.attachPrimitive(shading)
  forecast.attachPrimitive(band)
  return { price: series, volume, forecast, marks: createSeriesMarkers(series, []), shading, band }
}

function loadedOf(bars: Bars, asked: Partial<Range>): Loaded | null {
  const [from, to] = [bars.t[0], bars.t.at(-1)]
  if (from === undefined || to === undefined) return null
  const finestS = timeframeSeconds(bars.timeframe)
  const told = timeframeSeconds(bars.aggregated_to)
  const barS = Number.isFinite(told) ? told : Math.max(finestS, (to - from) / Math.max(1, bars.t.length - 1))
  return {
    from, to, barS, finestS,
    isFirst: asked.from === undefined || from > asked.from + barS * 2,
    isLast: asked.to === undefined || to < asked.to - barS * 2,
  }
}

export function PriceChart(props: PriceChartProps) {
  const { subject, isWhole, isSettled, bars, asked, markers, regimes, forecasts, onWant, onOrder } = props
  const [box, made] = useChart()
  const parts = useRef<Parts | null>(null)
  const shown = useRef('')
  const drawn = useRef<Drawn | null>(null)
  const latest = useRef({ loaded: null as Loaded | null, isOpen: false, markers, onWant, onOrder })
  const [place, setPlace] = useState<number | null>(null)

  useEffect(() => {
    latest.current = { loaded: loadedOf(bars, asked), isOpen: asked.to === undefined, markers, onWant, onOrder }
  }, [bars, asked, markers, onWant, onOrder])

  useEffect(() => {
    if (!made) return
    const { chart, colours } = made
    parts.current = build(chart, colours)
    shown.current = ''
    drawn.current = null
    let timer: number | undefined
    const look = () => {
      window.clearTimeout(timer)
      timer = window.setTimeout(() => {
        const seen = sight(chart, drawn.current)
        const { loaded } = latest.current
        const range = seen && loaded ? wanted(seen, loaded) : null
        if (range) latest.current.onWant(range)
      }, 180)
    }
    chart.timeScale().subscribeVisibleLogicalRangeChange(look)
    chart.subscribeCrosshairMove(({ time }) => setPlace(typeof time === 'number' ? time : null))
    chart.subscribeClick(({ hoveredObjectId }) => {
      const marker = latest.current.markers.find((each) => each.order_id === hoveredObjectId)
      if (marker) latest.current.onOrder(marker)
    })
    return () => {
      window.clearTimeout(timer)
      parts.current = null
    }
  }, [made])

  useEffect(() => {
    if (!made || !parts.current) return
    const scale = made.chart.timeScale()
    const seen = sight(made.chart, drawn.current)
    const before = drawn.current
    const axis = { times: bars.t, barS: loadedOf(bars, {})?.barS ?? 1, isOpen: isSettled && latest.current.isOpen }
    drawn.current = axis
    parts.current.price.setData(candles(bars))
    parts.current.volume.setData(volumes(bars, made.colours.rule))
    if (isSettled && shown.current !== subject) {
      shown.current = subject
      const count = isWhole ? bars.t.length : LATEST
      scale.setVisibleLogicalRange({ from: bars.t.length - count, to: bars.t.length + 4 })
    } else if (seen) {
      const places = placesOf(axis, seen)
      const last = before?.isOpen && axis.isOpen ? before.times.at(-1) : undefined
      scale.setVisibleLogicalRange(last === undefined ? places : followed(axis, places, last))
    }
  }, [made, bars, subject, isWhole, isSettled])

  useEffect(() => {
    if (!made || !parts.current) return
    const { line, band } = expected(forecasts, bars)
    parts.current.forecast.setData(line)
    parts.current.band.set(band)
  }, [made, bars, forecasts])

  useEffect(() => {
    parts.current?.shading.set(regimes ? turbulence(regimes, bars.t) : [])
  }, [made, bars, regimes])

  useEffect(() => {
    if (made) parts.current?.marks.setMarkers(marksOf(markers, bars.t, made.colours))
  }, [made, bars, markers])

  return (
    <>
      <Legend bars={bars} time={place} />
      <div className="chart price-chart" ref={box} role="figure" aria-label={`Price chart, ${counted(bars.t.length, 'bar')}`} />
    </>
  )
}

/** The stretch of time in sight, with the empty space beside the bars. */
function sight(chart: IChartApi, axis: Axis | null): Range | null {
  const places = chart.timeScale().getVisibleLogicalRange()
  return places && axis && axis.times.length > 0 ? timesAt(axis, places) : null
}

const MOST_NAMED = 40

function marksOf(markers: readonly Marker[], times: readonly number[], colours: Palette): SeriesMarker<Time>[] {
  const first = times[0]
  if (first === undefined) return []
  const last = times.at(-1) ?? first
  const end = last + Math.max(last - (times.at(-2) ?? last), 1)
  const inside = markers.filter((marker) => marker.t >= first && marker.t < end).sort((a, b) => a.t - b.t)
  return inside.map((marker) => {
    const time = (times[Math.max(0, placeOf(times, marker.t))] ?? first) as Time
    const isBuy = marker.side === 'BUY'
    const isStop = marker.kind === 'stop'
    return {
      time,
      id: marker.order_id,
      position: isBuy ? 'belowBar' : 'aboveBar',
      shape: isStop ? 'square' : marker.kind === 'entry' ? (isBuy ? 'arrowUp' : 'arrowDown') : 'circle',
      color: isStop ? colours.loss : marker.kind === 'entry' ? colours.accent : colours.ink,
      ...(inside.length <= MOST_NAMED ? { text: marker.kind } : {}),
    }
  })
}

function Legend({ bars, time }: { bars: Bars; time: number | null }) {
  const place = time === null ? bars.t.length - 1 : placeOf(bars.t, time)
  const t = bars.t[place]
  if (t === undefined) return null
  const [open, close] = [bars.open[place] ?? 0, bars.close[place] ?? 0]
  const isUp = close >= open
  return (
    <p className="legend num" aria-live="off">
      <When at={t} style="full" />
      <span>O {price(open)}</span>
      <span>H {price(bars.high[place])}</span>
      <span>L {price(bars.low[place])}</span>
      <span className={isUp ? 'gain' : 'loss'}>C {price(close)} {isUp ? '▲' : '▼'}</span>
      <span>V {fixed(bars.volume[place], 1)}</span>
      <span className="soft">
        {bars.aggregated_to === bars.timeframe ? bars.timeframe : `${bars.timeframe} drawn as ${bars.aggregated_to}`}
        {' · '}{fixed(bars.t.length, 0)} of at most {counted(POINTS, 'bar')}
      </span>
    </p>
  )
}
