// Always in sight: every book's state, whether the link lives, how old data is, and panic.

import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { status } from './api/queries'
import { session, useIdentity, useLack } from './api/session'
import { PANIC } from './desk/commands'
import { TwoStepDialog } from './desk/two_step_dialog'
import { useLink } from './live/context'
import type { Link } from './live/machine'
import { to, usePlace } from './router'
import { age, inUtc, instant } from './time/format'
import { Since, useNow, useZone } from './time/context'
import { BOOK_TONE, Mark, type Tone } from './ui/marks'
import { depth, fixed } from './ui/numbers'
import { nextChoice, useChoice } from './ui/theme'

export function TopBar() {
  const books = useQuery(status)
  const { path } = usePlace()
  const identity = useIdentity()
  const [isPanic, setPanic] = useState(false)
  const lack = useLack()(PANIC.needs)
  return (
    <header className="top">
      <a className="brand" href="#/" title="Start page">trading<span>assets</span></a>
      <ul className="books" aria-label="Books">
        {books.data?.books.map((book) => (
          <li key={book.name}>
            <a
              href={to(['desk', book.name])}
              className={book.is_real ? 'is-real' : ''}
              title={[book.reason || book.verdict, book.is_real ? 'real money' : 'play money'].join('\n')}
              {...(path[0] === 'desk' && path[1] === book.name ? { 'aria-current': 'true' as const } : {})}
            >
              <Mark tone={BOOK_TONE[book.code] ?? 'off'}><b>{book.name}</b></Mark>
              <span className="num">{fixed(book.equity, 2)}</span>
              <span className="num soft">{depth(book.drawdown)}</span>
              <span className="soft lag" title="since the last closed bar">
                <Since seconds={book.bar_lag_s} toldAt={books.dataUpdatedAt} />
              </span>
            </a>
          </li>
        ))}
      </ul>
      <div className="state">
        <LinkState readAt={books.dataUpdatedAt} />
        <Clock />
        <ThemeSwitch />
        <button type="button" className="quiet" title={`Signed in as ${identity?.name ?? ''} (${identity?.scope ?? ''})`}
          onClick={() => void session.signOut()}>
          Sign out
        </button>
        <button type="button" className="panic" disabled={lack !== ''} title={lack || PANIC.effect}
          onClick={() => setPanic(true)}>
          Panic
        </button>
      </div>
      {isPanic && <TwoStepDialog command={PANIC} path="/panic" onClose={() => setPanic(false)} />}
    </header>
  )
}

const LINK: Record<Link['phase'], [Tone, string]> = {
  off: ['off', 'not linked'],
  connecting: ['wait', 'connecting'],
  greeting: ['wait', 'signing in'],
  open: ['good', 'linked'],
  waiting: ['bad', 'no link'],
}

/** Whether the socket lives, and how long ago anything was heard from the desk. */
function LinkState({ readAt }: { readAt: number }) {
  const link = useLink()
  const now = useNow()
  const [tone, word] = LINK[link.phase]
  const heardAt = Math.max(link.heardAt ?? 0, readAt)
  const heard = heardAt ? age((now - heardAt) / 1000) : 'never'
  const retry = link.retryAt === null ? '' : `, again in ${age((link.retryAt - now) / 1000)}`
  return (
    <span className="link-state" role="status" aria-live="off" title={`Last heard from the desk: ${heardAt ? inUtc(heardAt) : 'never'}`}>
      <Mark tone={tone}>{word}{retry}</Mark> <span className="soft">data {heard}</span>
    </span>
  )
}

function Clock() {
  const zone = useZone()
  const now = useNow()
  return (
    <time className="clock num" title={inUtc(now)} dateTime={new Date(now).toISOString()}>
      {instant(now, zone, 'clock')} <span className="soft">{zone.split('/').at(-1)}</span>
    </time>
  )
}

const CHOICE = { system: 'Auto', dark: 'Dark', light: 'Light' }

function ThemeSwitch() {
  const choice = useChoice()
  return (
    <button type="button" className="quiet" aria-keyshortcuts="Shift+D" title="Dark, light, or as the system (D)" onClick={nextChoice}>
      {CHOICE[choice]}
    </button>
  )
}
