// Parameters as text in a form, and back: a value keeps the type that it had.

import type { Facts, Json } from '../api/types'

export function asText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

export type Read = { value: Json } | { problem: string }

/** Read what was typed for a parameter whose value was `before`. */
function readParam(typed: string, before: Json): Read {
  const text = typed.trim()
  if (typeof before === 'string') return { value: text }
  if (typeof before === 'number') {
    const value = Number(text)
    return text !== '' && Number.isFinite(value) ? { value } : { problem: 'a number is expected' }
  }
  try {
    const value = JSON.parse(text) as Json
    const isSame = typeof value === typeof before && Array.isArray(value) === Array.isArray(before)
    return isSame || before === null ? { value } : { problem: `a ${Array.isArray(before) ? 'list' : typeof before} is expected` }
  } catch {
    return { problem: 'JSON is expected' }
  }
}

export interface Change {
  name: string
  before: Json
  after: Json
}

/** Give what differs from the parameters before, by value. */
export function changes(params: Facts, typed: Readonly<Record<string, string>>): { changed: Change[]; problems: Record<string, string> } {
  const changed: Change[] = []
  const problems: Record<string, string> = {}
  for (const [name, text] of Object.entries(typed)) {
    const before = params[name] ?? null
    const read = readParam(text, before)
    if ('problem' in read) problems[name] = read.problem
    else if (JSON.stringify(read.value) !== JSON.stringify(before)) changed.push({ name, before, after: read.value })
  }
  return { changed, problems }
}
