// One run in full: its curve, its figures in and out of sample, its months, its rows.

import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { runDetail, runEquity } from '../api/queries'
import type { Run, RunDetail } from '../api/types'
import { EquityChart } from '../charts/equity_chart'
import { to } from '../router'
import { When } from '../time/context'
import { FactList, Hash } from '../ui/facts'
import { MetricTable, MetricText, TERMS } from '../ui/metrics'
import { Figure, Panel } from '../ui/panel'
import { With } from '../ui/states'
import { chooseHref } from './browser'
import { Checks } from './checks'
import { Months } from './months'
import { RunRows } from './run_rows'

const HEAD = ['net_return_pct', 'sharpe', 'max_drawdown_pct', 'num_trades', 'win_rate', 'profit_factor', 'net_pnl']

export function RunPage({ spec, id }: { spec: string; id: string }) {
  const found = useQuery(runDetail(spec, id))
  return (
    <With of={found} lines={10}>
      {(run: RunDetail) => (
        <div className="grid run">
          <section className="strip" aria-label="Run">
            <div className="strip-head">
              <h2 className="title">{run.title}</h2>
              <p className="soft">
                <a href="#/runs">Runs</a> / {run.spec} / <Hash of={run.run_id} /> · <When at={run.first} style="date" /> to <When at={run.last} style="date" />
                {' · '}{run.symbols.join(', ')} · in {run.quote}
              </p>
            </div>
            <RunLinks run={run} symbol={run.symbols[0] ?? ''} />
            <dl className="figures">
              {HEAD.filter((name) => name in run.metrics).map((name) => (
                <Figure key={name} label={TERMS[name]?.label ?? name} title={TERMS[name]?.meaning ?? ''}
                  note={run.oos ? <>out of sample <MetricText name={name} value={run.oos[name]} /></> : undefined}>
                  <MetricText name={name} value={run.metrics[name]} />
                </Figure>
              ))}
            </dl>
          </section>
          <CurvePanel spec={spec} id={id} />
          <Panel title="In against out of sample">
            <MetricTable label="Figure" columns={halves(run)} />
          </Panel>
          <Panel title="Months" className="wide" aside={<span className="soft">net return, % of equity</span>}>
            <Months rows={run.monthly} />
          </Panel>
          <RunRows run={run} />
          <Panel title="Checks" className="wide"><Checks rows={run.checks} /></Panel>
          <Panel title="What went in and came out" className="wide">
            <details>
              <summary>The manifest: config, inputs, code, hashes</summary>
              <FactList of={run.manifest} most={400} />
            </details>
          </Panel>
        </div>
      )}
    </With>
  )
}

function halves(run: RunDetail) {
  return [
    ...(run.in_sample ? [{ name: 'in sample', metrics: run.in_sample }] : []),
    ...(run.oos ? [{ name: 'out of sample', metrics: run.oos }] : []),
    { name: 'whole run', metrics: run.metrics },
  ]
}

function RunLinks({ run, symbol }: { run: Run; symbol: string }) {
  const name = `${run.spec}/${run.run_id}`
  return (
    <p className="commands">
      <a className="button" href={to(['chart'], { symbol, run: name })}>Chart</a>
      <a className="button" href={chooseHref(name)}>Compare…</a>
      {Object.entries(run.links).map(([where, url]) => url && (
        <a key={where} className="button" href={url} target="_blank" rel="noopener noreferrer">
          {where === 'mlflow' ? 'MLflow' : where === 'dagster' ? 'Dagster' : where}<span aria-hidden="true"> ↗</span>
        </a>
      ))}
    </p>
  )
}

function CurvePanel({ spec, id }: { spec: string; id: string }) {
  const found = useQuery(runEquity(spec, id))
  const curves = useMemo(() => (found.data ? [{ name: spec, ...found.data }] : []), [found.data, spec])
  return (
    <Panel title="Equity and drawdown" className="equity">
      <With of={found} lines={8} isEmpty={({ t }) => t.length === 0} empty="This run has no bar.">
        {() => <EquityChart label="Equity and drawdown of the run" curves={curves} />}
      </With>
    </Panel>
  )
}
