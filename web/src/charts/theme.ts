// Colours of the charts, read from the style sheet, and how the time axis is written.

import { ColorType, CrosshairMode, type DeepPartial, TickMarkType, type Time, type TimeChartOptions } from 'lightweight-charts'
import { instant } from '../time/format'
import { price } from '../ui/numbers'

export interface Palette {
  ground: string
  ink: string
  soft: string
  rule: string
  accent: string
  gain: string
  loss: string
  turbulent: string
  /** Fills what lies below the peak. */
  depth: string
  band: string
  series: string[]
}

export function palette(): Palette {
  const style = getComputedStyle(document.documentElement)
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim()
  return {
    ground: of('ground'),
    ink: of('ink'),
    soft: of('soft'),
    rule: of('rule'),
    accent: of('accent'),
    gain: of('gain'),
    loss: of('loss'),
    turbulent: of('turbulent'),
    depth: of('depth'),
    band: of('band'),
    series: [1, 2, 3, 4, 5, 6].map((place) => of(`series-${place}`)),
  }
}

/** Prices and equity with their digits grouped; the scale still finds its own steps. */
export const GROUPED = { type: 'custom', formatter: price, minMove: 0.00001 } as const

const seconds = (time: Time): number =>
  typeof time === 'number' ? time : Date.parse(typeof time === 'string' ? time : `${time.year}-${time.month}-${time.day}`) / 1000

export function chartOptions(colours: Palette, zone: string): DeepPartial<TimeChartOptions> {
  const line = { color: colours.rule }
  return {
    autoSize: true,
    layout: {
      background: { type: ColorType.Solid, color: colours.ground },
      textColor: colours.soft,
      fontFamily: getComputedStyle(document.body).fontFamily,
      fontSize: 11,
      panes: { separatorColor: colours.rule, separatorHoverColor: colours.rule },
      attributionLogo: true,
    },
    grid: { vertLines: line, horzLines: line },
    crosshair: {
      mode: CrosshairMode.Normal,
      vertLine: { color: colours.soft, labelBackgroundColor: colours.soft },
      horzLine: { color: colours.soft, labelBackgroundColor: colours.soft },
    },
    rightPriceScale: { borderVisible: false, minimumWidth: 64 },
    timeScale: {
      borderColor: colours.rule,
      timeVisible: true,
      minBarSpacing: 0.05,
      rightOffset: 4,
      tickMarkFormatter: (time: Time, kind: TickMarkType) => tick(seconds(time), kind, zone),
    },
    localization: {
      timeFormatter: (time: Time) => instant(seconds(time) * 1000, zone, 'full'),
    },
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Label a tick in the desk's zone; the axis itself counts in UTC. */
function tick(s: number, kind: TickMarkType, zone: string): string {
  const [year, month, day] = instant(s * 1000, zone, 'date').split('-')
  const name = MONTHS[Number(month) - 1] ?? ''
  if (kind === TickMarkType.Year) return year ?? ''
  if (kind === TickMarkType.Month) return name
  if (kind === TickMarkType.DayOfMonth) return `${Number(day)} ${name}`
  return instant(s * 1000, zone, 'clock').slice(0, 5)
}
