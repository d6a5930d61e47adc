// Several runs on one grid: equity as an index of 100, drawdown, and their figures.

import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { comparison } from '../api/queries'
import { EquityChart } from '../charts/equity_chart'
import { to } from '../router'
import { MetricTable } from '../ui/metrics'
import { Panel } from '../ui/panel'
import { Empty, With } from '../ui/states'
import { chooseHref, compareHref, FEWEST } from './browser'

export function RunComparison({ names }: { names: string[] }) {
  const found = useQuery(comparison(names))
  const curves = useMemo(
    () => (found.data?.runs ?? []).flatMap(({ name }) => {
      const series = found.data?.series[name]
      return series ? [{ name, t: series.t, equity: series.equity_index, drawdown: series.drawdown }] : []
    }),
    [found.data],
  )
  if (names.length < FEWEST) return <Empty>It takes two runs. Mark more in the list of <a href={chooseHref(names[0])}>runs</a>.</Empty>
  return (
    <With of={found} lines={10}>
      {({ runs }) => (
        <div className="grid compare">
          <Panel title={`${runs.length} runs compared`} className="wide" aside={<a href="#/runs">All runs</a>}>
            <ol className="key">
              {runs.map(({ name, title }, place) => (
                <li key={name}>
                  <i className={`swatch s${(place % 6) + 1}`} aria-hidden="true" />
                  <span>{place + 1}</span> <a href={to(['runs', ...name.split('/')])}>{title}</a>
                  <a className="soft" href={compareHref(names.filter((each) => each !== name))} aria-label={`Leave ${title} out`}>×</a>
                </li>
              ))}
            </ol>
            <EquityChart label="Equity index and drawdown of the runs" curves={curves} className="tall" />
            <p className="note">Equity as an index on a common grid; numbers at the curves are those of the list.</p>
          </Panel>
          <Panel title="Figures" className="wide">
            <MetricTable label="Figure" columns={runs.map(({ name, title, metrics }, place) => ({ name: `${place + 1} ${name.split('/')[0]}`, title, metrics }))} />
          </Panel>
        </div>
      )}
    </With>
  )
}
