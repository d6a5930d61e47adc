// Stored backtests: a list to choose from, one in full, or several beside each other.

import { usePlace } from '../router'
import { RunBrowser } from '../runs/browser'
import { RunComparison } from '../runs/comparison'
import { RunPage } from '../runs/run_page'

export default function Runs() {
  const { path, query } = usePlace()
  const [, spec, id] = path
  if (spec === 'compare') return <RunComparison names={query.getAll('run')} />
  if (spec && id) return <RunPage key={`${spec}/${id}`} spec={spec} id={id} />
  return <RunBrowser />
}
