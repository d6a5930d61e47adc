// Parameters of the strategies; a change makes a new version, and the gate decides about it.

import { useQuery } from '@tanstack/react-query'
import { strategyConfig } from '../api/queries'
import type { StrategyConfig } from '../api/types'
import { setQuery, usePlace } from '../router'
import { ConfigForm } from '../strategy/config_form'
import { FactList } from '../ui/facts'
import { counted } from '../ui/numbers'
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

/** A version is a spec of its own: `ema_trend_v2` is the second of `ema_trend`. */
const familyOf = (spec: string): string => spec.replace(/_v[1-9]\d*$/, '')

function Configs({ all }: { all: readonly StrategyConfig[] }) {
  const { query } = usePlace()
  // The list has a row for each parameter; each row has all parameters of its spec.
  const specs = [...new Map(all.map((each) => [each.spec, each])).values()]
  const families = [...new Set(specs.map((each) => familyOf(each.spec)))]
  const family = query.get('spec') ?? families[0] ?? ''
  const versions = specs.filter((each) => familyOf(each.spec) === family).sort((a, b) => b.version - a.version)
  const current = versions.find((each) => each.is_current) ?? versions[0]
  return (
    <div className="grid strategy">
      <Panel title="Strategies">
        <ul className="choices">
          {families.map((each) => (
            <li key={each}>
              <button type="button" aria-pressed={each === family} onClick={() => setQuery({ spec: each })}>
                <b>{each}</b>
                <small>{noted(specs.filter((one) => familyOf(one.spec) === each))}</small>
              </button>
            </li>
          ))}
        </ul>
      </Panel>
      {current && (
        <Panel title={`${family}, version ${current.version}`} aside={<span className="soft">{current.is_current ? 'newest' : 'not the newest'}</span>}>
          <ConfigForm key={family} config={current} />
        </Panel>
      )}
      <Panel title="All versions" className="wide">
        {versions.map((each) => (
          <details key={each.spec} open={versions.length === 1}>
            <summary>
              Version {each.version}{each.is_current ? ' (newest)' : ''}
              {each.traded_by.length ? `, traded by ${each.traded_by.join(', ')}` : ''}
            </summary>
            <FactList of={each.params} />
          </details>
        ))}
      </Panel>
    </div>
  )
}

function noted(versions: readonly StrategyConfig[]): string {
  const books = [...new Set(versions.flatMap((each) => each.traded_by))]
  const count = counted(versions.length, 'version')
  return books.length ? `${count}, traded by ${books.join(', ')}` : count
}
