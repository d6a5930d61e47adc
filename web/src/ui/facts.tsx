// Named values as they are: a list of facts, nested ones with their path.

import type { Json } from '../api/types'
import { When } from '../time/context'

const HASH = /^[0-9a-f]{16,}$/
const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/

function rows(value: Json, path: string, found: [string, string][]): void {
  if (Array.isArray(value) && value.every((each) => typeof each !== 'object' || each === null)) {
    found.push([path, value.map(text).join(', ') || 'none'])
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, each] of Object.entries(value)) rows(each, path ? `${path}.${name}` : name, found)
  } else {
    found.push([path, isMicros(path, value) ? new Date(Number(value) / 1000).toISOString() : text(value)])
  }
}

/** Journals and tables count instants in microseconds. */
function isMicros(name: string, value: Json): boolean {
  return /(^|[._])(ts|as_of)$/.test(name) && typeof value === 'number' && value > 1e14
}

export function text(value: Json | undefined): string {
  if (value === null || value === undefined) return '–'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'number') return String(Number(value.toPrecision(8)))
  return typeof value === 'string' ? value : JSON.stringify(value)
}

export function FactList({ of, most = 80 }: { of: Json; most?: number }) {
  const found: [string, string][] = []
  rows(of, '', found)
  return (
    <dl className="facts">
      {found.slice(0, most).map(([name, value]) => (
        <div key={name}>
          <dt>{name.replaceAll('_', ' ')}</dt>
          {INSTANT.test(value) ? (
            <dd><When at={value} style="full" /></dd>
          ) : (
            <dd className={HASH.test(value) ? 'mono' : ''} title={value}>{value}</dd>
          )}
        </div>
      ))}
      {found.length > most && <p className="soft">and {found.length - most} more</p>}
    </dl>
  )
}

/** The first characters of a hash; all of it in the title. */
export function Hash({ of }: { of: string }) {
  return <span className="mono" title={of}>{of.length > 14 ? of.slice(0, 12) : of}</span>
}
