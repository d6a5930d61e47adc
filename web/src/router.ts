// Places of the desk in the address's fragment, so that the server knows nothing of them.

import { useSyncExternalStore } from 'react'

export interface Place {
  path: string[]
  query: URLSearchParams
}

function read(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  return { path: path.split('/').filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query) }
}

let known = window.location.hash
let place = read(known)

function snapshot(): Place {
  if (window.location.hash !== known) {
    known = window.location.hash
    place = read(known)
  }
  return place
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener)
  return () => window.removeEventListener('hashchange', listener)
}

export const usePlace = (): Place => useSyncExternalStore(subscribe, snapshot)

type Query = Record<string, string | undefined>

export function to(path: readonly string[], query: Query = {}): string {
  const said = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value) said.set(name, value)
  const text = said.toString()
  return `#/${path.map(encodeURIComponent).join('/')}${text ? `?${text}` : ''}`
}

export function go(address: string): void {
  window.location.hash = address
}

/** Change the query of the present place and leave no entry in the history. */
export function setQuery(changes: Query): void {
  const { path, query } = snapshot()
  const merged = { ...Object.fromEntries(query), ...changes }
  window.history.replaceState(null, '', to(path, merged))
  window.dispatchEvent(new HashChangeEvent('hashchange'))
}
