// Signs of a state: a shape and a word, and a colour that only repeats them.

import type { ReactNode } from 'react'

export type Tone = 'good' | 'wait' | 'bad' | 'off'

const SHAPE: Record<Tone, string> = { good: '●', wait: '◐', bad: '▲', off: '○' }

export function Mark({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span className={`mark ${tone}`}>
      <span aria-hidden="true">{SHAPE[tone]}</span> {children}
    </span>
  )
}

/** The tone of a book by its code: trades, halted, not running, no sign of life. */
export const BOOK_TONE: Record<number, Tone> = { 0: 'good', 1: 'wait', 2: 'off', 3: 'bad' }

export const VERDICT: Record<string, Tone> = { promote: 'good', hold: 'wait', reject: 'bad' }

export function Money({ isReal }: { isReal: boolean | undefined }) {
  if (isReal === undefined) return null
  return isReal ? <span className="tag real">real money</span> : <span className="tag">play money</span>
}

const GAIN_SIDES = new Set(['BUY', 'LONG'])

export function Side({ of }: { of: string }) {
  const isBuy = GAIN_SIDES.has(of.toUpperCase())
  return <span className={isBuy ? 'gain' : 'loss'}>{isBuy ? '▲' : '▼'} {of.toLowerCase()}</span>
}

interface MeterProps {
  label: string
  fraction: number | null | undefined
  /** Below it the meter warns. */
  warnBelow?: number
}

export function Meter({ label, fraction, warnBelow = 0.25 }: MeterProps) {
  const isKnown = typeof fraction === 'number'
  const share = isKnown ? Math.max(0, Math.min(1, fraction)) : 0
  return (
    <span
      className={`meter ${isKnown && fraction < warnBelow ? 'low' : ''}`}
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(share * 100)}
    >
      <i style={{ width: `${share * 100}%` }} />
    </span>
  )
}
