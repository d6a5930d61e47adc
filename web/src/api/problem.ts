// Every failure of the API as one value: what went wrong, and what to do about it.

export interface ProblemFields {
  status: number
  what: string
  expected?: string
  found?: string
  fix?: string
  retryAfterS?: number
}

export class Problem extends Error {
  readonly status: number
  readonly expected: string
  readonly found: string
  readonly fix: string
  readonly retryAfterS: number | null

  constructor(fields: ProblemFields) {
    super(fields.what)
    this.status = fields.status
    this.expected = fields.expected ?? ''
    this.found = fields.found ?? ''
    this.fix = fields.fix ?? ''
    this.retryAfterS = fields.retryAfterS ?? null
  }
}

/** Read the body of a refusal; a body that is not ours still gives a sentence. */
export function problemFrom(status: number, body: unknown, retryAfter: string | null): Problem {
  const told = isRecord(body) ? body : {}
  const details = Array.isArray(told.details) ? told.details : []
  const seconds = Number(retryAfter)
  return new Problem({
    status,
    what: text(told.error) || `The desk answered ${status}`,
    expected: text(told.expected),
    found: text(told.found) || details.map(detail).filter(Boolean).join('; '),
    fix: text(told.fix) || usualFix(status, seconds),
    ...(seconds > 0 ? { retryAfterS: seconds } : {}),
  })
}

export function unreachable(cause: unknown): Problem {
  return new Problem({
    status: 0,
    what: 'The desk does not answer',
    found: cause instanceof Error ? cause.message : '',
    fix: 'See whether it runs: `trading-assets status`; `make up` starts it.',
  })
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  const what = error instanceof Error ? error.message : String(error)
  return new Problem({ status: -1, what, fix: 'Reload the page; if it stays, this is a fault of the page.' })
}

function usualFix(status: number, seconds: number): string {
  if (status === 401) return 'Sign in again.'
  if (status === 403) return 'Sign in with a key of a higher scope.'
  if (status === 429) return seconds > 0 ? `Wait ${seconds} s.` : 'Wait a little.'
  if (status === 503) return 'The desk is not ready; the start page says what runs.'
  return ''
}

function detail(value: unknown): string {
  return isRecord(value) ? `${text(value.where)}: ${text(value.what)}` : ''
}

function text(value: unknown): string {
  return value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
