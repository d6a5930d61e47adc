// Parameters of the strategies; a change makes a new version, and the gate decides about it.

import { useQuery } from '@tanstack/react-query'
import { strategyConfig } from '../api/queries'
import type { StrategyConfig } from '../api/types'
import { setQuery, usePlace } from '../router'
import { ConfigForm } from '../strategy/config_form'
import { FactList } from '../ui/facts'
import { Panel } from '../ui/panel'
import { With } from '../ui/states'

export default function Strategy() {
  const found = useQuery(strategyConfig)
  return (
    <With of={found} lines={8} isEmpty={(all) => all.length === 0} empty="No strategy is declared.">
      {(all) => <Configs all={all} />}
    </With>
  )
}

function Configs({ all }: { all: readonly StrategyConfig[] }) {
  const { query } = usePlace()
  const specs = [...new Set(all.map((each) => each.spec))]
  const spec = query.get('spec') ?? specs[0] ?? ''
  const versions = all.filter((each) => each.spec === spec)
  const current = versions.find((each) => each.is_current) ?? versions[0]
  return (
    <div className="grid strategy">
      <h1 className="off-screen">Strategy</h1>
      <Panel title="Strategies">
        <ul className="choices">
          {specs.map((each) => (
            <li key={each}>
              <button type="button" aria-pressed={each === spec} onClick={() => setQuery({ spec: each })}>
                <b>{each}</b>
                <small>{all.filter((one) => one.spec === each).length} version(s)</small>
              </button>
            </li>
          ))}
        </ul>
      </Panel>
      {current && (
        <Panel title={`${spec}, version ${current.version}`} aside={<span className="soft">{current.is_current ? 'current' : 'not current'}</span>}>
          <ConfigForm key={`${spec}/${current.version}`} config={current} />
        </Panel>
      )}
      <Panel title="All versions" className="wide">
        {versions.map((each) => (
          <details key={`${each.key}/${each.version}`} open={versions.length === 1}>
            <summary>Version {each.version}{each.is_current ? ' (current)' : ''}</summary>
            <FactList of={each.params} />
          </details>
        ))}
      </Panel>
    </div>
  )
}
