// Where a day begins: every book in a line, where to go, and what runs.

import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { desk, promotions, runs, status } from '../api/queries'
import type { BookSummary, DeskInfo } from '../api/types'
import { to } from '../router'
import { Since } from '../time/context'
import { BOOK_TONE, Mark, Meter, Money, VERDICT } from '../ui/marks'
import { MetricText } from '../ui/metrics'
import { depth, fixed, percent } from '../ui/numbers'
import { Panel } from '../ui/panel'
import { With } from '../ui/states'

export default function Start() {
  const books = useQuery(status)
  const info = useQuery(desk)
  return (
    <div className="grid start">
      <Panel title="Books" className="wide">
        <With of={books} isEmpty={({ books: all }) => all.length === 0}
          empty="The settings have no book.">
          {({ books: all }) => (
            <ul className="book-list">
              {all.map((book) => <BookLine key={book.name} book={book} toldAt={books.dataUpdatedAt} />)}
            </ul>
          )}
        </With>
      </Panel>
      <News />
      <Panel title="Links">
        <With of={info}>{(found) => <Links info={found} />}</With>
      </Panel>
      <Panel title="What runs" aside={info.data && <span>version {info.data.version}</span>}>
        <With of={info}>
          {({ services }) => (
            <ul className="services">
              {services.map((service) => (
                <li key={service.name}>
                  <Mark tone={service.is_running ? 'good' : 'off'}>{service.name}</Mark>
                  <small>{service.is_running ? 'runs' : 'does not run'}</small>
                  <code>{service.address}</code>
                </li>
              ))}
            </ul>
          )}
        </With>
      </Panel>
    </div>
  )
}

const FEW = 5

/** What research has brought last: the newest backtests, and what the gate said. */
function News() {
  const found = useInfiniteQuery(runs('', ''))
  const decided = useInfiniteQuery(promotions(''))
  return (
    <>
      <Panel title="Newest backtests" aside={<a href="#/runs">All runs</a>}>
        <With of={found} isEmpty={({ pages }) => !pages[0]?.items.length} empty="No run is stored. `trading-assets backtest SPEC` makes one.">
          {({ pages }) => (
            <ul className="news">
              {pages[0]?.items.slice(0, FEW).map((run) => (
                <li key={`${run.spec}/${run.run_id}`}>
                  <a href={to(['runs', run.spec, run.run_id])}>{run.title}</a>
                  <MetricText name="net_return_pct" value={run.metrics.net_return_pct} />
                </li>
              ))}
            </ul>
          )}
        </With>
      </Panel>
      <Panel title="Newest decisions" aside={<a href="#/promotion">All decisions</a>}>
        <With of={decided} isEmpty={({ pages }) => !pages[0]?.items.length} empty="Nothing was decided yet.">
          {({ pages }) => (
            <ul className="news">
              {pages[0]?.items.slice(0, FEW).map((decision) => (
                <li key={decision.decision_id}>
                  <a href={to(['promotion', decision.decision_id])}>
                    <Mark tone={VERDICT[decision.verdict] ?? 'off'}>{decision.verdict}</Mark> {decision.book}
                  </a>
                  <span className="soft">{decision.plain}</span>
                </li>
              ))}
            </ul>
          )}
        </With>
      </Panel>
    </>
  )
}

function BookLine({ book, toldAt }: { book: BookSummary; toldAt: number }) {
  return (
    <li>
      <a href={to(['desk', book.name])}>
        <span className="who">
          <b>{book.name}</b> <Money isReal={book.is_real} />
          <small>{book.spec || 'no release'} at {book.venue}</small>
        </span>
        <span className="what">
          <Mark tone={BOOK_TONE[book.code] ?? 'off'}>{book.verdict}</Mark>
          <small>{book.reason || book.state.replaceAll('_', ' ')}</small>
        </span>
        <span className="num"><b>{fixed(book.equity, 2)}</b><small>equity</small></span>
        <span className="num"><b>{depth(book.drawdown)}</b><small>below its peak</small></span>
        <span className="num"><b><Since seconds={book.bar_lag_s} toldAt={toldAt} /></b><small>since the last bar</small></span>
        <span className="num">
          <b>{percent(book.budget_left, 1)}</b>
          <Meter label={`Error budget of ${book.name}`} fraction={book.budget_left} />
          <small>error budget left</small>
        </span>
      </a>
    </li>
  )
}

const TOLD: Record<string, [string, string]> = {
  dagster: ['Dagster', 'assets, lineage, checks, schedules'],
  mlflow: ['MLflow', 'runs, models, the registry'],
  compare: ['Compare strategies', 'newest backtest of each, best out of sample first'],
  exchange: ['Exchange', 'the embedded exchange’s own page'],
  docs: ['Documentation', 'how everything is meant'],
}

function Links({ info }: { info: DeskInfo }) {
  return (
    <ul className="links">
      <li><a href="#/desk">Desk</a><small>positions, orders, fills, and why</small></li>
      {Object.entries(info.links).filter(([, url]) => url).map(([name, url]) => (
        <li key={name}>
          <a href={url} target="_blank" rel="noopener noreferrer">{TOLD[name]?.[0] ?? name}<span aria-hidden="true"> ↗</span></a>
          <small>{TOLD[name]?.[1] ?? url}</small>
        </li>
      ))}
    </ul>
  )
}
