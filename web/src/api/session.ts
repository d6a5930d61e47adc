// The session of this tab, and what its scope allows.

import { Session } from './session_keeper'
import type { Scope } from './types'

const RANK: Record<Scope, number> = { read: 0, trade: 1, admin: 2 }

export function allows(has: Scope | undefined, needs: Scope): boolean {
  return has !== undefined && RANK[has] >= RANK[needs]
}

export const session = new Session(window.sessionStorage)
