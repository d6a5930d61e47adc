// Why, or why not: the last decision of a book, and what its rules said at the last bar.

import { useInfiniteQuery } from '@tanstack/react-query'
import { bookDecisions } from '../api/queries'
import type { BookStatus, BookView, Decision } from '../api/types'
import { to } from '../router'
import { When } from '../time/context'
import { With } from '../ui/states'

export const WHAT: Record<Decision['what'], string> = {
  entry: '▲ entry',
  exit: '▼ exit',
  refused: '✕ refused',
}

export function LastDecision({ book }: { book: BookStatus }) {
  const found = useInfiniteQuery(bookDecisions(book.name))
  return (
    <>
      <With of={found} lines={2} isEmpty={({ pages }) => !pages[0]?.items.length} empty={book.note || 'Nothing has been decided yet.'}>
        {({ pages: [page] }) => page?.items[0] && <Told book={book.name} decision={page.items[0]} />}
      </With>
      <Rules why={book.book.why} />
    </>
  )
}

function Told({ book, decision }: { book: string; decision: Decision }) {
  return (
    <div className="decision">
      <p>
        <b className={`what-${decision.what}`}>{WHAT[decision.what]}</b> {decision.symbol}{' '}
        <span className="soft">{decision.strategy} · <When at={decision.ts} /></span>
      </p>
      <p><span className="soft">{decision.what === 'refused' ? 'Why not' : 'Why'}:</span> {decision.why}</p>
      {decision.order_id && <a href={to(['trace', 'book', book, decision.order_id])}>Down to the raw files</a>}
    </div>
  )
}

/** How often each rule spoke lately: most bars end with no order, and this says why. */
function Rules({ why }: { why: BookView['why'] }) {
  const rows = Object.entries(why?.strategies ?? {}).flatMap(([strategy, counts]) =>
    Object.entries(counts).map(([verdict, count]) => ({ strategy, verdict, count })),
  )
  if (rows.length === 0) return null
  return (
    <ul className="verdicts" aria-label="What the rules said lately">
      {rows.map(({ strategy, verdict, count }) => (
        <li key={`${strategy}/${verdict}`}>
          <span className="num">{count}×</span> {verdict.replaceAll('_', ' ')} <span className="soft">{strategy}</span>
        </li>
      ))}
    </ul>
  )
}
