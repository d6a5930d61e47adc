// What a book trades, what it traded before, what challenges it, and the way to real money.

import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { status } from '../api/queries'
import { useLack } from '../api/session'
import type { Facts, Json, Releases } from '../api/types'
import type { BookCommand } from '../desk/commands'
import { CommandDialog } from '../desk/command_dialog'
import { When } from '../time/context'
import { type Column, DataTable } from '../ui/data_table'
import { FactList, Hash, text } from '../ui/facts'

const APPROVE: BookCommand = {
  id: 'approve',
  label: 'Approve for real money',
  effect: 'Arms the book: this release may trade real money for so many hours. Needs the arm key, which this page does not keep.',
  needs: 'admin',
  steps: 1,
  tone: 'grave',
  fields: [
    { name: 'hours', label: 'For hours', kind: 'number' },
    { name: 'fallback', label: 'Fallback release', kind: 'text', isOptional: true, hint: 'What is traded when it is taken back.' },
    { name: 'step', label: 'Step of capital', kind: 'number', isOptional: true, hint: 'Number of the step; without it, the next one.' },
    { name: 'arm_key', label: 'Arm key', kind: 'secret' },
  ],
}

const PLACES = [
  ['champion', 'Champion', 'what the book trades'],
  ['challenger', 'Challenger', 'what the gate would trade next'],
  ['previous', 'Previous', 'what is gone back to'],
] as const

export function ReleaseBoard({ book, releases }: { book: string; releases: Releases }) {
  const [approved, setApproved] = useState('')
  const books = useQuery(status)
  const lack = useLack()(APPROVE.needs)
  const isReal = books.data?.books.find((each) => each.name === book)?.is_real ?? false
  return (
    <>
      <div className="three">
        {PLACES.map(([place, title, meaning]) => {
          const release = releases[place]
          const id = release?.tags.release_id
          return (
            <article key={place} className="release">
              <h3>{title} <small>{meaning}</small></h3>
              {release === null ? <p className="empty">None.</p> : (
                <>
                  <p><b>{release.family}</b> {id && <Hash of={id} />}</p>
                  <FactList of={release} most={14} />
                  {isReal && place !== 'previous' && id && (
                    <button type="button" disabled={lack !== ''} title={lack || APPROVE.effect} onClick={() => setApproved(id)}>
                      Approve for real money…
                    </button>
                  )}
                </>
              )}
            </article>
          )
        })}
      </div>
      <details>
        <summary>History ({releases.history.length})</summary>
        <DataTable label="History of releases" rows={releases.history} columns={columnsOf(releases.history)} tall
          keyOf={(_, index) => String(index)} empty="No release was made yet." />
      </details>
      {approved && (
        <CommandDialog command={APPROVE} path={`/api/books/${encodeURIComponent(book)}/approve`}
          subject={`${book}: ${approved.slice(0, 12)}`} fixed={{ release_id: approved }} onClose={() => setApproved('')} />
      )}
    </>
  )
}

const MOST = 7

function columnsOf(rows: readonly Facts[]): Column<Facts>[] {
  return Object.keys(rows[0] ?? {}).slice(0, MOST).map((name) => ({
    id: name,
    head: name.replaceAll('_', ' '),
    cell: (row) => cellOf(name, row[name]),
    value: (row) => text(row[name]),
  }))
}

function cellOf(name: string, value: Json | undefined) {
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value)) return <When at={value} style="full" />
  return name.endsWith('_id') && typeof value === 'string' ? <Hash of={value} /> : text(value)
}
