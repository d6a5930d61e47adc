// One decision: every rule by stage, with what was measured, what was demanded, and why.

import { useQuery } from '@tanstack/react-query'
import { promotion } from '../api/queries'
import type { Facts, Json, Rule } from '../api/types'
import { setQuery } from '../router'
import { FactList, Hash, text } from '../ui/facts'
import { counted } from '../ui/numbers'
import { Panel } from '../ui/panel'
import { With } from '../ui/states'

const STAGE: Record<string, string> = {
  valid: 'Is the evidence sound?',
  plausible: 'Is it more than luck?',
  robust: 'Does it survive costs and change?',
  better: 'Is it better than what is traded?',
  held_out: 'Does it hold in months nobody looked at?',
  probation: 'Does it do what was predicted?',
}

export function DecisionDetail({ id }: { id: string }) {
  const found = useQuery(promotion(id))
  return (
    <Panel title="Why" aside={<Hash of={id} />}>
      <With of={found} lines={8}>
        {({ plain, rules, candidate, champion }) => (
          <>
            <p className="reason">{plain}</p>
            <Rules rules={rules} />
            <div className="two">
              <Side title="Candidate" of={candidate} />
              <Side title="Champion" of={champion} />
            </div>
            <p><a href="#/promotion" onClick={() => setQuery({})}>All decisions</a></p>
          </>
        )}
      </With>
    </Panel>
  )
}

function Side({ title, of }: { title: string; of: Facts | null }) {
  return (
    <article className="release">
      <h3>{title}</h3>
      {of ? <FactList of={of} most={24} /> : <p className="empty">None.</p>}
    </article>
  )
}

const SIGN = { true: '✓ met', false: '✕ not met', null: '? unknown' } as const

function Rules({ rules }: { rules: readonly Rule[] }) {
  const stages = [...new Set(rules.map((rule) => rule.stage))]
  const met = rules.filter((rule) => rule.passed).length
  return (
    <div className="table-box tall" role="region" aria-label="Table: rules" tabIndex={0}>
      <table className="rules">
        <caption>{met} of {counted(rules.length, 'rule')} met</caption>
        {stages.map((stage) => (
          <tbody key={stage}>
            <tr className="stage"><th colSpan={4} scope="rowgroup">{STAGE[stage] ?? stage.replaceAll('_', ' ')}</th></tr>
            {rules.filter((rule) => rule.stage === stage).map((rule) => (
              <tr key={rule.rule}>
                <td className={rule.passed ? 'met' : 'unmet'}>{SIGN[String(rule.passed) as keyof typeof SIGN]}</td>
                <td>
                  <b>{rule.rule.replaceAll('_', ' ')}</b>
                  <span className="plain">{inWords(rule)}</span>
                  <Evidence of={rule.evidence} />
                </td>
                <td className="num">{short(rule.value)}</td>
                <td className="num soft" title="what is demanded">{short(rule.threshold)}</td>
              </tr>
            ))}
          </tbody>
        ))}
      </table>
    </div>
  )
}

/** The rule's name stands above already, and a note is not said twice. */
function inWords({ rule, plain, note }: Rule): string {
  const told = plain.startsWith(`${rule}: `) ? plain.slice(rule.length + 2) : plain
  return note && !told.includes(note) ? `${told} ${note}` : told
}

/** One number stands in its column; what has parts is said in words. */
function short(value: Json): string {
  return typeof value === 'number' || typeof value === 'boolean' ? text(value) : ''
}

function Evidence({ of }: { of: string[] | null }) {
  return of?.map((each) => <span key={each} className="soft evidence mono" title={each}>{each}</span>)
}
