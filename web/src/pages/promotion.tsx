// What the gate decided, by which rules, and what a book trades, traded, and might trade next.

import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { bookReleases, desk, promotions } from '../api/queries'
import type { Facts, PromotionDecision } from '../api/types'
import { DecisionDetail } from '../promotion/decision_detail'
import { ReleaseBoard } from '../promotion/releases'
import { setQuery, to, usePlace } from '../router'
import { When } from '../time/context'
import type { Column } from '../ui/data_table'
import { text } from '../ui/facts'
import { Mark, VERDICT } from '../ui/marks'
import { Paged } from '../ui/paged'
import { Panel } from '../ui/panel'
import { With } from '../ui/states'

export default function Promotion() {
  const { path, query } = usePlace()
  const info = useQuery(desk)
  const chosen = path[1] ?? ''
  return (
    <With of={info} lines={8}>
      {({ books }) => {
        const book = query.get('book') ?? books[0] ?? ''
        return (
          <div className="grid promotion">
            <div className="bar wide">
              <label className="inline">
                Book
                <select value={book} onChange={(event) => setQuery({ book: event.target.value })}>
                  {books.map((each) => <option key={each}>{each}</option>)}
                </select>
              </label>
            </div>
            <Releases book={book} />
            <Panel title="Decisions" className={chosen ? '' : 'wide'}>
              <DecisionList book={query.get('book') ?? ''} chosen={chosen} />
            </Panel>
            {chosen && <DecisionDetail key={chosen} id={chosen} />}
          </div>
        )
      }}
    </With>
  )
}

const specOf = (of: Facts | null): string => (of ? text(of.spec) : 'none')

function unmetOf({ first_unmet: unmet }: PromotionDecision): string {
  return unmet?.rule.replaceAll('_', ' ') ?? 'none'
}

function Releases({ book }: { book: string }) {
  const found = useQuery(bookReleases(book))
  return (
    <Panel title="Champion and challenger" className="wide">
      <With of={found}>{(releases) => <ReleaseBoard book={book} releases={releases} />}</With>
    </Panel>
  )
}

function DecisionList({ book, chosen }: { book: string; chosen: string }) {
  const columns = useMemo<Column<PromotionDecision>[]>(
    () => [
      {
        id: 'verdict', head: 'Verdict', value: (row) => row.verdict,
        cell: (row) => (
          <a href={to(['promotion', row.decision_id], { book: book || undefined })}><Mark tone={VERDICT[row.verdict] ?? 'off'}>{row.verdict}</Mark></a>
        ),
      },
      { id: 'book', head: 'Book', cell: (row) => row.book, value: (row) => row.book },
      { id: 'as_of', head: 'As of', cell: (row) => <When at={row.as_of} />, value: (row) => row.as_of },
      { id: 'candidate', head: 'Candidate', cell: (row) => <b>{specOf(row.candidate)}</b>, value: (row) => specOf(row.candidate) },
      { id: 'champion', head: 'Champion then', cell: (row) => specOf(row.champion), value: (row) => specOf(row.champion) },
      { id: 'unmet', head: 'First rule not met', cell: (row) => unmetOf(row), value: unmetOf },
      { id: 'plain', head: 'In words', cell: (row) => <span className="rest" title={row.plain}>{row.plain}</span> },
    ],
    [book],
  )
  return (
    <Paged label="Decisions" query={promotions(book)} columns={columns} keyOf={(row) => row.decision_id} tall
      isChosen={(row) => row.decision_id === chosen}
      empty={`Nothing was decided${book ? ` for ${book}` : ''} yet. The asset promotion_decision in Dagster decides.`} />
  )
}
