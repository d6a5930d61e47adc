// Start: the theme, the session from a one-time code or this tab's own, then the pages.

import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { isPassing } from './api/client'
import { asProblem } from './api/problem'
import { session } from './api/session'
import { takeCode } from './api/session_keeper'
import { App } from './app'
import { applyTheme } from './ui/theme'
import './styles/tokens.css'
import './styles/base.css'
import './styles/shell.css'
import './styles/parts.css'
import './styles/pages.css'

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: true,
      networkMode: 'always', // the desk is on this machine: there is no line to be off
      retry: (tries, error) => tries < 2 && isPassing(error),
    },
  },
})

async function begin(): Promise<void> {
  const code = takeCode(window.location, window.history)
  try {
    if (code) await session.signIn({ code })
    else if (session.hasRefresh) await session.token()
  } catch (error) {
    const problem = asProblem(error)
    session.farewell ||= `${problem.message}. ${problem.fix}`.trim()
  }
}

applyTheme()
await begin()
session.subscribe(() => {
  if (session.identity === null) client.clear()
})
const root = document.getElementById('root')
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <App />
      </QueryClientProvider>
    </StrictMode>,
  )
}
