// Why, or why not: the last decision, and what the risk factor stands on.

import type { Decision, RiskFactor } from '../api/types'
import { to } from '../router'
import { When } from '../time/context'
import { fixed } from '../ui/numbers'
import { Empty } from '../ui/states'

export const WHAT: Record<Decision['what'], string> = {
  entry: '▲ entry',
  exit: '▼ exit',
  nothing: '· nothing',
  refused: '✕ refused',
}

interface LastDecisionProps {
  book: string
  decision: Decision | null
  note: string
}

export function LastDecision({ book, decision, note }: LastDecisionProps) {
  if (!decision) return <Empty>{note || 'No bar has been handled yet.'}</Empty>
  const isDone = decision.what === 'entry' || decision.what === 'exit'
  return (
    <div className="decision">
      <p>
        <b className={`what-${decision.what}`}>{WHAT[decision.what]}</b> {decision.symbol}{' '}
        <span className="soft">{decision.strategy} · <When at={decision.ts} /></span>
      </p>
      <p><span className="soft">{isDone ? 'Why' : 'Why not'}:</span> {decision.why || 'not said'}</p>
      {decision.order_id && <a href={to(['trace', 'book', book, decision.order_id])}>Down to the raw files</a>}
    </div>
  )
}

export function RiskReasons({ risk }: { risk: RiskFactor | null }) {
  if (!risk) return <Empty>No risk factor is known: none was published for this book’s symbols.</Empty>
  return (
    <div className="risk-factor">
      <p><b className="num big">{fixed(risk.risk_factor, 2)}</b> <span className="soft">of the planned size · <When at={risk.timestamp} /></span></p>
      {risk.reasons.length === 0 ? (
        <p className="soft">Nothing speaks for less.</p>
      ) : (
        <ul>{risk.reasons.map((reason) => <li key={reason}>{reason.replaceAll('_', ' ')}</li>)}</ul>
      )}
    </div>
  )
}
