// Layers drawn behind a series: shading of stretches of time, and a band between two lines.

import type {
  IChartApi, IPrimitivePaneRenderer, IPrimitivePaneView, ISeriesApi, ISeriesPrimitive, SeriesAttachedParameter,
  SeriesType, Time,
} from 'lightweight-charts'

type Target = Parameters<IPrimitivePaneRenderer['draw']>[0]

/** A layer that draws itself below the series, whenever the chart does. */
abstract class Layer implements ISeriesPrimitive<Time> {
  protected chart: IChartApi | null = null
  protected series: ISeriesApi<SeriesType> | null = null
  private redraw: () => void = () => undefined
  private readonly views: IPrimitivePaneView[]

  constructor() {
    const renderer: IPrimitivePaneRenderer = {
      draw: () => undefined,
      drawBackground: (target) => this.paint(target),
    }
    this.views = [{ zOrder: () => 'bottom', renderer: () => renderer }]
  }

  attached({ chart, series, requestUpdate }: SeriesAttachedParameter<Time>): void {
    this.chart = chart as IChartApi
    this.series = series
    this.redraw = requestUpdate
  }

  detached(): void {
    this.chart = null
    this.series = null
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return this.views
  }

  protected changed(): void {
    this.redraw()
  }

  protected abstract paint(target: Target): void
}

export interface Stretch {
  from: number
  to: number
}

/** Shades stretches of time over the whole height of the pane. */
export class Shading extends Layer {
  private stretches: readonly Stretch[] = []
  private readonly colour: string

  constructor(colour: string) {
    super()
    this.colour = colour
  }

  set(stretches: readonly Stretch[]): void {
    this.stretches = stretches
    this.changed()
  }

  protected paint(target: Target): void {
    const scale = this.chart?.timeScale()
    const seen = scale?.getVisibleRange()
    if (!scale || !seen) return
    target.useBitmapCoordinateSpace(({ context, bitmapSize, horizontalPixelRatio }) => {
      context.fillStyle = this.colour
      for (const { from, to } of this.stretches) {
        const [first, last] = [Math.max(from, seen.from as number), Math.min(to, seen.to as number)]
        if (first >= last) continue
        const left = scale.timeToCoordinate(first as Time)
        const right = scale.timeToCoordinate(last as Time)
        if (left === null || right === null) continue
        const x = left * horizontalPixelRatio
        context.fillRect(x, 0, Math.max(1, right * horizontalPixelRatio - x), bitmapSize.height)
      }
    })
  }
}

export interface BandPoint {
  t: number
  low: number
  high: number
}

/** Fills the space between a lower and an upper price. */
export class Band extends Layer {
  private points: readonly BandPoint[] = []
  private readonly colour: string

  constructor(colour: string) {
    super()
    this.colour = colour
  }

  set(points: readonly BandPoint[]): void {
    this.points = points
    this.changed()
  }

  protected paint(target: Target): void {
    const { chart, series } = this
    if (!chart || !series || this.points.length < 2) return
    target.useBitmapCoordinateSpace(({ context, horizontalPixelRatio: across, verticalPixelRatio: down }) => {
      const upper: [number, number][] = []
      const lower: [number, number][] = []
      for (const point of this.points) {
        const x = chart.timeScale().timeToCoordinate(point.t as Time)
        const [high, low] = [series.priceToCoordinate(point.high), series.priceToCoordinate(point.low)]
        if (x === null || high === null || low === null) continue
        upper.push([x * across, high * down])
        lower.push([x * across, low * down])
      }
      if (upper.length < 2) return
      context.fillStyle = this.colour
      context.beginPath()
      for (const [x, y] of [...upper, ...lower.reverse()]) context.lineTo(x, y)
      context.fill()
    })
  }
}
