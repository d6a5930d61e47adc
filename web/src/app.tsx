// The shell around the pages: who is signed in, where one is, and whether data is fresh.

import { useQuery } from '@tanstack/react-query'
import { type ComponentType, useEffect, useRef } from 'react'
import { desk } from './api/queries'
import { useIdentity } from './api/session'
import { Keys } from './keys'
import { LiveProvider } from './live/context'
import Chart from './pages/chart'
import Desk from './pages/desk'
import Promotion from './pages/promotion'
import Risk from './pages/risk'
import Runs from './pages/runs'
import { SignIn } from './pages/sign_in'
import Signals from './pages/signals'
import Start from './pages/start'
import Strategy from './pages/strategy'
import Trace from './pages/trace'
import { usePlace } from './router'
import { SECTIONS, type SectionId, sectionOf } from './sections'
import { TopBar } from './top_bar'
import { ZoneContext } from './time/context'
import { Boundary } from './ui/boundary'

const PAGES: Record<SectionId, ComponentType> = {
  start: Start,
  desk: Desk,
  chart: Chart,
  runs: Runs,
  promotion: Promotion,
  signals: Signals,
  risk: Risk,
  strategy: Strategy,
  trace: Trace,
}

export function App() {
  const identity = useIdentity()
  if (!identity) return <SignIn />
  return (
    <LiveProvider>
      <Shell />
    </LiveProvider>
  )
}

function Shell() {
  const place = usePlace()
  const section = sectionOf(place)
  const info = useQuery(desk)
  const main = useRef<HTMLElement>(null)
  const Page = PAGES[section.id]
  const rail = useRef<HTMLElement>(null)
  useEffect(() => {
    // On a phone the rail scrolls; `scrollIntoView` would move the start of the tab order as well.
    const link = rail.current?.querySelector<HTMLElement>('[aria-current]')
    if (rail.current && link) rail.current.scrollLeft = link.offsetLeft - (rail.current.clientWidth - link.offsetWidth) / 2
    document.title = `${section.name} · Trading desk`
  }, [section])
  return (
    <ZoneContext value={info.data?.time_zone ?? 'Europe/Berlin'}>
      <button type="button" className="skip" onClick={() => main.current?.focus()}>Skip to content</button>
      <div className="shell">
        <TopBar />
        <nav ref={rail} className="rail" aria-label="Pages">
          {SECTIONS.map((each) => (
            <a
              key={each.id}
              href={each.href}
              title={`g ${each.key}`}
              aria-keyshortcuts={`g ${each.key}`}
              {...(each === section ? { 'aria-current': 'page' as const } : {})}
            >
              {each.name}
            </a>
          ))}
        </nav>
        <main ref={main} tabIndex={-1} aria-label={section.name}>
          <h1 className="off-screen">{section.name}</h1>
          <Boundary key={section.id}>
            <Page />
          </Boundary>
        </main>
      </div>
      <Keys />
    </ZoneContext>
  )
}
