// Who is signed in: the access token in memory, the refresh token for this tab only.

import { Problem, problemFrom, unreachable } from './problem'
import type { Scope, Tokens } from './types'

const KEPT = 'trading-assets.refresh'
const EARLY_S = 60 // renewed so long before it ends

export interface Identity {
  name: string
  scope: Scope
}

type Listener = () => void

export class Session {
  identity: Identity | null = null
  /** Why one has to sign in again, for the sign-in page. */
  farewell = ''
  private access = ''
  private endsAt = 0
  private renewing: Promise<string> | null = null
  private readonly listeners = new Set<Listener>()
  private readonly store: Storage
  private readonly now: () => number

  constructor(store: Storage, now: () => number = Date.now) {
    this.store = store
    this.now = now
  }

  subscribe = (listener: Listener): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  snapshot = (): Identity | null => this.identity

  get hasRefresh(): boolean {
    return this.store.getItem(KEPT) !== null
  }

  /** Sign in with a key, or with a one-time code; throws a Problem. */
  async signIn(proof: { key: string } | { code: string }): Promise<void> {
    this.take(await post('/api/token', proof))
  }

  /** Give an access token that lives a while yet; throws a Problem when nobody is signed in. */
  async token(force = false): Promise<string> {
    const isFresh = this.now() < this.endsAt - EARLY_S * 1000
    if (this.access && isFresh && !force) return this.access
    this.renewing ??= this.renew().finally(() => {
      this.renewing = null
    })
    return this.renewing
  }

  async signOut(): Promise<void> {
    const refresh = this.store.getItem(KEPT)
    this.drop('')
    if (refresh) await post('/api/token/revoke', { refresh })
  }

  drop(farewell: string): void {
    this.access = ''
    this.endsAt = 0
    this.identity = null
    this.farewell = farewell
    this.store.removeItem(KEPT)
    this.tell()
  }

  private async renew(): Promise<string> {
    const refresh = this.store.getItem(KEPT)
    if (!refresh) throw new Problem({ status: 401, what: 'Nobody is signed in', fix: 'Sign in.' })
    try {
      return this.take(await post('/api/token/refresh', { refresh }))
    } catch (error) {
      if (error instanceof Problem && [401, 403, 422].includes(error.status)) {
        this.drop('The session has ended. Sign in again.')
      }
      throw error
    }
  }

  private take(tokens: Tokens | null): string {
    if (!tokens) throw new Problem({ status: 500, what: 'The desk gave no token', fix: 'Sign in again.' })
    this.access = tokens.access
    this.endsAt = this.now() + tokens.expires_in * 1000
    this.store.setItem(KEPT, tokens.refresh)
    const isSame = this.identity?.name === tokens.name && this.identity.scope === tokens.scope
    if (!isSame) this.identity = { name: tokens.name, scope: tokens.scope }
    this.farewell = ''
    this.tell()
    return tokens.access
  }

  private tell(): void {
    for (const listener of this.listeners) listener()
  }
}

async function post(path: string, body: object): Promise<Tokens | null> {
  let answer: Response
  try {
    answer = await fetch(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    })
  } catch (error) {
    throw unreachable(error)
  }
  if (answer.status === 204) return null
  const read: unknown = await answer.json().catch(() => null)
  if (!answer.ok) throw problemFrom(answer.status, read, answer.headers.get('Retry-After'))
  return read as Tokens
}

/** Take a one-time code out of the address bar, so that it is neither kept nor shared. */
export function takeCode(where: Location, history: History): string {
  const found = /^#code=([^&]+)$/.exec(where.hash)
  if (!found) return ''
  history.replaceState(null, '', `${where.pathname}#/`)
  return decodeURIComponent(found[1] ?? '')
}
