// The head of a book: its state in words, then the figures that matter first.

import type { ReactNode } from 'react'
import type { BookStatus } from '../api/types'
import { Since } from '../time/context'
import { Hash } from '../ui/facts'
import { BOOK_TONE, Mark, Meter, Money } from '../ui/marks'
import { depth, fixed, percent, Signed } from '../ui/numbers'
import { Figure } from '../ui/panel'
import { RiskValue } from './risk_now'

interface BookStripProps {
  book: BookStatus
  toldAt: number
  children: ReactNode
}

export function BookStrip({ book, toldAt, children }: BookStripProps) {
  const held = book.book.positions?.reduce((sum, position) => sum + (position.unrealised_pnl ?? 0), 0)
  const why = book.reason || book.note
  return (
    <section className={`strip code-${book.code}`} aria-label={`State of ${book.name}`}>
      <div className="strip-head">
        <p className="verdict">
          <Mark tone={BOOK_TONE[book.code] ?? 'off'}>{book.verdict}</Mark>{' '}
          {book.level !== 'NONE' && <span className="tag warn">{book.level.toLowerCase()}</span>}
          <Money isReal={book.is_real} />
        </p>
        <p className="soft">
          {why ? <>{why} · </> : null}
          {book.spec || 'no release'}
          {book.release_id && <> · release <Hash of={book.release_id} /></>}
          {' · '}{book.venue}{book.holder ? ` · ${book.holder}` : ''}
        </p>
      </div>
      {children}
      <dl className="figures">
        <Figure label="Equity"><span className="big num">{fixed(book.equity, 2)}</span></Figure>
        <Figure label="Drawdown" title="Below the highest equity so far">
          <span className={`num ${book.drawdown ? 'loss' : ''}`}>{depth(book.drawdown)}</span>
        </Figure>
        <Figure label="Realised" title="Profit of all closed round trips, after fees"><Signed value={book.realised_pnl} /></Figure>
        <Figure label="Unrealised" title="Profit of what is held, at the last close"><Signed value={held} /></Figure>
        <Figure label="Feed" title="Market time since the last bar closed that the book knows">
          <span className="num"><Since seconds={book.bar_lag_s} toldAt={toldAt} /></span>
        </Figure>
        <Figure label="Sign of life" title="Since the executor's last heartbeat">
          <span className="num"><Since seconds={book.heartbeat_age_s} toldAt={toldAt} /></span>
        </Figure>
        <Figure label="Error budget" title="Share of the minutes that may be bad in 30 days, still left"
          note={<Meter label="Error budget left" fraction={book.budget_left} />}>
          <span className="num">{percent(book.budget_left, 1)}</span>
        </Figure>
        <Figure label="Risk factor" title="What every entry is multiplied by">
          <RiskValue book={book.name} />
        </Figure>
      </dl>
    </section>
  )
}
