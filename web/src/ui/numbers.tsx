// Numbers for people: grouped, aligned, and a sign wherever a colour is.

import type { Amount } from '../api/types'

const made = new Map<number, Intl.NumberFormat>()

function grouped(digits: number): Intl.NumberFormat {
  let format = made.get(digits)
  if (!format) {
    format = new Intl.NumberFormat('en-GB', { minimumFractionDigits: digits, maximumFractionDigits: digits })
    made.set(digits, format)
  }
  return format
}

export function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

export function fixed(value: number | null | undefined, digits: number): string {
  return isNumber(value) ? grouped(digits).format(value).replace('-', '−') : '–'
}

/** Write how many of something there are: `1 link`, `2,400 files`. */
export const counted = (count: number, one: string): string => `${fixed(count, 0)} ${one}${count === 1 ? '' : 's'}`

/** Write with a sign: `+1,204.50`, `−3.20`; a zero has none. */
export function signed(value: number | null | undefined, digits: number): string {
  if (!isNumber(value)) return '–'
  const text = grouped(digits).format(Math.abs(value))
  if (Number(value.toFixed(digits)) === 0) return text
  return `${value > 0 ? '+' : '−'}${text}`
}

/** Group the digits of exact decimal text and change nothing else about it. */
export function exact(value: Amount | number | null): string {
  if (value === null) return '–'
  const text = typeof value === 'number' ? plain(value) : value
  const found = /^(-?)(\d+)(\.\d+)?$/.exec(text)
  if (!found) return text
  const [, sign, whole = '', rest = ''] = found
  const decimals = rest.replace(/0+$/, '').replace(/^\.$/, '')
  return `${sign ? '−' : ''}${whole.replace(/\B(?=(\d{3})+$)/g, ',')}${decimals}`
}

function plain(value: number): string {
  return Math.abs(value) >= 1e-6 && Math.abs(value) < 1e15 ? String(Number(value.toPrecision(12))) : value.toExponential(4)
}

export function price(value: number | null | undefined): string {
  if (!isNumber(value)) return '–'
  const size = Math.abs(value)
  return fixed(value, size >= 100 ? 2 : size >= 1 ? 4 : 6)
}

/** How many decimals tell values of a size apart: returns need more than targets. */
export const digitsFor = (size: number): number => (size >= 0.1 ? 2 : 5)

export function tone(value: number | null | undefined): 'gain' | 'loss' | '' {
  return !isNumber(value) || value === 0 ? '' : value > 0 ? 'gain' : 'loss'
}

interface SignedProps {
  value: number | null | undefined
  digits?: number
  unit?: string
}

export function Signed({ value, digits = 2, unit = '' }: SignedProps) {
  const rounded = isNumber(value) ? Number(value.toFixed(digits)) : null // what reads 0.00 has no colour
  return (
    <span className={`num ${tone(rounded)}`}>
      {signed(value, digits)}
      {unit && isNumber(value) ? ` ${unit}` : ''}
    </span>
  )
}

/** A fraction as percent: 0.0123 is `1.23 %`. */
export function percent(fraction: number | null | undefined, digits = 2): string {
  return isNumber(fraction) ? `${fixed(fraction * 100, digits)} %` : '–'
}

/** How deep under water, as a fraction of the peak: always written with its minus. */
export function depth(fraction: number | null | undefined): string {
  return isNumber(fraction) ? `${signed(-Math.abs(fraction) * 100, 2)} %` : '–'
}
