// Instants for people: in the desk's time zone, with UTC beside it. Nothing is computed here.

export type Style = 'clock' | 'short' | 'full' | 'date'

const OPTIONS: Record<Style, Intl.DateTimeFormatOptions> = {
  clock: { hour: '2-digit', minute: '2-digit', second: '2-digit' },
  short: { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' },
  full: {
    year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
    timeZoneName: 'short',
  },
  date: { year: 'numeric', month: '2-digit', day: '2-digit' },
}

const made = new Map<string, Intl.DateTimeFormat>()

function parts(ms: number, zone: string, style: Style): Record<string, string> {
  const key = `${zone}/${style}`
  let format = made.get(key)
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', { ...OPTIONS[style], timeZone: zone, hourCycle: 'h23' })
    made.set(key, format)
  }
  return Object.fromEntries(format.formatToParts(ms).map((part) => [part.type, part.value]))
}

/** Write an instant, given in epoch milliseconds: `2024-07-01 02:05:00 CEST`, or a part of it. */
export function instant(ms: number, zone: string, style: Style): string {
  if (!Number.isFinite(ms)) return '–'
  const p = parts(ms, zone, style)
  const clock = [p.hour, p.minute, p.second].filter(Boolean).join(':')
  if (style === 'clock') return clock
  const day = [p.year, p.month, p.day].filter(Boolean).join('-')
  if (style === 'date') return day
  return [day, clock, p.timeZoneName].filter(Boolean).join(' ')
}

export const inUtc = (ms: number): string => instant(ms, 'UTC', 'full')

/** Write how long ago something was: `4 s`, `3 min`, `5 h`, `2 d`. */
export function age(s: number | null | undefined): string {
  if (s === null || s === undefined || !Number.isFinite(s)) return '–'
  if (s < 0) return '0 s'
  if (s < 100) return `${Math.round(s)} s`
  if (s < 100 * 60) return `${Math.round(s / 60)} min`
  if (s < 48 * 3600) return `${Math.round(s / 3600)} h`
  return `${Math.round(s / 86_400)} d`
}

export function isoOf(epochS: number): string {
  return `${new Date(epochS * 1000).toISOString().slice(0, 19)}Z`
}

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** Give the length of `5m`, `1h`, `1d` in seconds; NaN for what is none. */
export function timeframeSeconds(text: string): number {
  const found = /^(\d+)([smhdw])$/.exec(text)
  return found ? Number(found[1]) * (UNITS[found[2] ?? ''] ?? Number.NaN) : Number.NaN
}
