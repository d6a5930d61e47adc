// What the models and strategies say of every symbol over a month, and their latest word.

import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { forecasts, heatMap, strategyConfig } from '../api/queries'
import type { Forecast, HeatMap as Heat } from '../api/types'
import { HeatMap } from '../charts/heat_map'
import { setQuery, to, usePlace } from '../router'
import { When } from '../time/context'
import { type Column, DataTable } from '../ui/data_table'
import { counted, digitsFor, isNumber, percent, Signed, signed } from '../ui/numbers'
import { Panel } from '../ui/panel'
import { With } from '../ui/states'
import { Tabs } from '../ui/tabs'

export default function Signals() {
  return (
    <div className="grid signals">
      <Month />
      <Latest />
    </div>
  )
}

const NONE = ''

function Month() {
  const { query } = usePlace()
  const specs = useQuery(strategyConfig)
  const [horizon, spec] = [query.get('horizon') ?? NONE, query.get('spec') ?? NONE]
  const heat = useQuery(heatMap(query.get('month') ?? '', horizon, spec))
  const month = query.get('month') ?? heat.data?.month ?? '' // without one, the newest that has any
  const names = [...new Set(specs.data?.map((each) => each.spec))]
  return (
    <Panel
      title="Heat map"
      className="wide"
      aside={
        <div className="bar">
          <label className="inline">
            Signal of
            <select value={spec} onChange={(event) => setQuery({ spec: event.target.value || undefined })}>
              <option value={NONE}>{heat.data?.spec && !spec ? `${heat.data.spec} (traded)` : 'what is traded'}</option>
              {names.map((each) => <option key={each}>{each}</option>)}
            </select>
          </label>
          <label className="inline">
            Month <input type="month" value={month} onChange={(event) => setQuery({ month: event.target.value || undefined })} />
          </label>
        </div>
      }
    >
      <With of={heat} lines={8} isEmpty={isUnknown}
        empty={`Nothing is published${month ? ` of ${month}` : ''}. Another month may have signals; the asset forecasts in Dagster makes them.`}>
        {(found) => <Maps heat={found} />}
      </With>
    </Panel>
  )
}

function isUnknown({ t, symbols, columns }: Heat): boolean {
  const isAny = Object.values(columns).some((rows) => rows.some((row) => row.some(isNumber)))
  return t.length === 0 || symbols.length === 0 || !isAny
}

function Maps({ heat }: { heat: Heat }) {
  const names = Object.keys(heat.columns)
  const [chosen, setChosen] = useState('')
  const name = names.includes(chosen) ? chosen : (names[0] ?? '')
  const rows = heat.columns[name] ?? []
  return (
    <>
      <Tabs label="What" names={names} chosen={name} choose={setChosen} />
      <HeatMap label={`${name} of ${counted(heat.symbols.length, 'symbol')}`} symbols={heat.symbols} t={heat.t} rows={rows} />
      <Standing symbols={heat.symbols} rows={rows} t={heat.t} name={name} />
    </>
  )
}

interface Stand {
  symbol: string
  last: number | null
  at: number | null
  mean: number | null
  upShare: number | null
}

/** The same in numbers, for who cannot or will not read colours. */
function Standing({ symbols, rows, t, name }: { symbols: readonly string[]; rows: readonly (number | null)[][]; t: readonly number[]; name: string }) {
  const stands = symbols.map((symbol, place): Stand => {
    const row = rows[place] ?? []
    const known = row.filter(isNumber)
    const at = row.findLastIndex(isNumber)
    const count = known.length
    return {
      symbol,
      last: row[at] ?? null,
      at: t[at] ?? null,
      mean: count ? known.reduce((sum, value) => sum + value, 0) / count : null,
      upShare: count ? known.filter((value) => value > 0).length / count : null,
    }
  })
  const digits = digitsFor(rows.flat().filter(isNumber).reduce((most, value) => Math.max(most, Math.abs(value)), 0))
  const columns: Column<Stand>[] = [
    { id: 'symbol', head: 'Symbol', cell: (row) => <a href={to(['chart'], { symbol: row.symbol })}><b>{row.symbol}</b></a>, value: (row) => row.symbol },
    { id: 'last', head: `Last ${name}`, isNumber: true, cell: (row) => <Signed value={row.last} digits={digits} />, value: (row) => row.last },
    { id: 'at', head: 'Of', cell: (row) => <When at={row.at} />, value: (row) => row.at },
    { id: 'mean', head: 'Mean', isNumber: true, cell: (row) => signed(row.mean, digits), value: (row) => row.mean },
    { id: 'up', head: 'Time above zero', isNumber: true, cell: (row) => percent(row.upShare, 0), value: (row) => row.upShare },
  ]
  return <DataTable label={`${name} in numbers`} rows={stands} columns={columns} keyOf={(row) => row.symbol} />
}

const forecastColumns: Column<Forecast>[] = [
  { id: 'at', head: 'Made at', cell: (row) => <When at={row.timestamp} />, value: (row) => row.timestamp },
  { id: 'asset', head: 'Asset', cell: (row) => <a href={to(['chart'], { symbol: row.asset, horizon: row.horizon })}><b>{row.asset}</b></a>, value: (row) => row.asset },
  { id: 'horizon', head: 'Horizon', cell: (row) => row.horizon, value: (row) => row.horizon },
  { id: 'prediction', head: 'Prediction', isNumber: true, title: 'Expected return over the horizon', cell: (row) => <Signed value={row.prediction * 100} digits={3} unit="%" />, value: (row) => row.prediction },
  { id: 'confidence', head: 'Confidence', isNumber: true, cell: (row) => percent(row.confidence, 0), value: (row) => row.confidence },
  { id: 'band', head: 'Band', isNumber: true, cell: (row) => (row.band ? `${signed(row.band[0] * 100, 2)} to ${signed(row.band[1] * 100, 2)} %` : '–') },
  { id: 'model', head: 'Model', cell: (row) => row.model_version },
]

function Latest() {
  const found = useQuery({ ...forecasts('', '', {}, 200), refetchInterval: 60_000 })
  return (
    <Panel title="Latest forecasts" className="wide">
      <With of={found} lines={5}>
        {({ items }) => (
          <DataTable label="Latest forecasts" rows={items} columns={forecastColumns} tall empty="No forecast has been published."
            keyOf={(row, index) => row.forecast_id ?? String(index)} />
        )}
      </With>
    </Panel>
  )
}
