// The one place that speaks HTTP with the desk.

import { address, type Query } from './address'
import { Problem, problemFrom, unreachable } from './problem'
import { session } from './session'

export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return send<T>(address(path, query), { method: 'GET', ...(signal ? { signal } : {}) })
}

/** Ask for a change. The same key makes a repeated request the same request. */
export async function command<T>(
  method: 'POST' | 'PUT',
  path: string,
  body: object,
  key: string,
): Promise<T> {
  return send<T>(path, {
    method,
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
    body: JSON.stringify(body),
  })
}

async function send<T>(path: string, request: RequestInit): Promise<T> {
  let answer = await once(path, request, await session.token())
  if (answer.status === 401) answer = await once(path, request, await session.token(true))
  const body: unknown = answer.status === 204 ? null : await answer.json().catch(() => null)
  if (answer.ok) return body as T
  const problem = problemFrom(answer.status, body, answer.headers.get('Retry-After'))
  if (answer.status === 401) session.drop('The desk does not know this session any more.')
  throw problem
}

async function once(path: string, request: RequestInit, token: string): Promise<Response> {
  const headers = { ...request.headers, Authorization: `Bearer ${token}`, Accept: 'application/json' }
  try {
    return await fetch(path, { ...request, headers, credentials: 'same-origin' })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw unreachable(error)
  }
}

/** Whether asking again at once could help: the line broke, and nobody said no. */
export function isPassing(error: unknown): boolean {
  return error instanceof Problem && error.status === 0
}
