// What a person can ask of a book: where it goes, what it does, and who may.

import type { Scope } from '../api/types'

export interface Field {
  name: string
  label: string
  kind: 'text' | 'number' | 'secret'
  /** Sent inside an object of this name. */
  within?: string
  hint?: string
  isOptional?: boolean
}

export interface BookCommand {
  id: string
  label: string
  /** Said in the dialog before anything is sent. */
  effect: string
  needs: Scope
  steps: 1 | 2
  tone: 'calm' | 'grave'
  fields?: Field[]
}

export const HALT: BookCommand = {
  id: 'halt',
  label: 'Halt',
  effect: 'Stops new entries and withdraws those that wait at the venue. Exits stay. Positions stay.',
  needs: 'trade',
  steps: 1,
  tone: 'grave',
}

export const FLATTEN: BookCommand = {
  id: 'flatten',
  label: 'Flatten',
  effect: 'Halts the book, withdraws every order, and sells what it holds at market.',
  needs: 'trade',
  steps: 2,
  tone: 'grave',
}

export const PANIC: BookCommand = {
  id: 'panic',
  label: 'Panic',
  effect: 'Flattens every book: every order is withdrawn, and everything held is sold at market.',
  needs: 'trade',
  steps: 2,
  tone: 'grave',
}

const limit = (name: string, label: string): Field => ({ name, label, kind: 'number', within: 'limits', isOptional: true })

const LIMITS: Field[] = [
  limit('max_order_notional', 'Quote per order'),
  limit('max_position_pct', 'Percent of equity per symbol'),
  limit('max_orders_per_day', 'Entries per UTC day'),
  limit('max_open_orders', 'Orders that have not ended'),
  limit('daily_loss_bps', 'Loss of a UTC day, basis points of equity'),
  limit('risk_multiplier', 'Share of the equity for strategies, above 0 to 1'),
]

export const MORE: BookCommand[] = [
  {
    id: 'pause',
    label: 'Pause',
    effect: 'Stops new entries. Orders at the venue and positions stay as they are.',
    needs: 'trade',
    steps: 1,
    tone: 'calm',
  },
  {
    id: 'resume',
    label: 'Resume',
    effect: 'Lets a halted book open positions again.',
    needs: 'admin',
    steps: 1,
    tone: 'calm',
    fields: [{ name: 'code', label: 'Code of the halt', kind: 'text', hint: 'As the halt’s reason or `status` says.' }],
  },
  {
    id: 'cancel-all',
    label: 'Cancel all orders',
    effect: 'Withdraws every order of this book at the venue, exits too.',
    needs: 'trade',
    steps: 1,
    tone: 'grave',
  },
  {
    id: 'reconcile',
    label: 'Reconcile',
    effect: 'Compares the book with the venue now. Changes nothing but what was wrong.',
    needs: 'trade',
    steps: 1,
    tone: 'calm',
  },
  {
    id: 'snapshot',
    label: 'Snapshot',
    effect: 'Writes the whole state into the journal, so that a restart is faster.',
    needs: 'trade',
    steps: 1,
    tone: 'calm',
  },
  {
    id: 'tighten',
    label: 'Tighten limits',
    effect: 'Makes limits of this book stricter until its release changes. Limits cannot be loosened here.',
    needs: 'trade',
    steps: 1,
    tone: 'calm',
    fields: LIMITS,
  },
  {
    id: 'acknowledge',
    label: 'Acknowledge symbol',
    effect: 'Takes notice of foreign orders or fills in a symbol, so that its entries may go on.',
    needs: 'trade',
    steps: 1,
    tone: 'calm',
    fields: [{ name: 'symbol', label: 'Symbol', kind: 'text' }],
  },
]

/** Read what was typed; what is optional and empty is left out. */
export function readFields(fields: readonly Field[], typed: Readonly<Record<string, string>>): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  const inside: Record<string, Record<string, unknown>> = {}
  for (const field of fields) {
    const text = (typed[field.name] ?? '').trim()
    if (!text && field.isOptional) continue
    const value = field.kind === 'number' ? Number(text) : text
    if (field.within) inside[field.within] = { ...inside[field.within], [field.name]: value }
    else found[field.name] = value
  }
  return { ...found, ...inside }
}
