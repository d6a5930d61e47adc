// The session of this tab, and what its scope allows.

import { useSyncExternalStore } from 'react'
import { type Identity, Session } from './session_keeper'
import type { Scope } from './types'

const RANK: Record<Scope, number> = { read: 0, trade: 1, admin: 2 }

export const session = new Session(window.sessionStorage)

export const useIdentity = (): Identity | null => useSyncExternalStore(session.subscribe, session.snapshot)

/** Give what says why a scope is out of reach; empty for one that is not. */
export function useLack(): (needs: Scope) => string {
  const identity = useIdentity()
  return (needs) => (identity && RANK[identity.scope] >= RANK[needs] ? '' : `Needs a key with the scope ${needs}`)
}
