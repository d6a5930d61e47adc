// Why an order was sent: its chain of evidence, link by link, down to the vendor's bytes.

import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { desk, trace, type TraceOf } from '../api/queries'
import { go, to, usePlace } from '../router'
import { ChainView } from '../trace/chain'
import { Panel } from '../ui/panel'
import { Empty, With } from '../ui/states'

export default function Trace() {
  const { path } = usePlace()
  const [, kind, name = '', order = ''] = path
  const of: TraceOf = { kind: kind === 'run' ? 'run' : 'book', name, order }
  const found = useQuery(trace(of))
  return (
    <div className="grid trace">
      <Panel title="Which order?" className="wide"><Ask key={`${name}/${order}`} of={of} /></Panel>
      <Panel title={order ? `Order ${order}` : 'Chain'} className="wide">
        {name && order ? (
          <With of={found} lines={10} patience="Every link is computed once more, and every file hashed again: this takes some seconds.">{(chain) => <ChainView chain={chain} />}</With>
        ) : (
          <Empty>Click an order, a fill, a decision or a marker of the chart; or type an order’s id above.</Empty>
        )}
      </Panel>
    </div>
  )
}

function Ask({ of }: { of: TraceOf }) {
  const info = useQuery(desk)
  const [where, setWhere] = useState(of.kind === 'run' ? of.name : of.name || (info.data?.books[0] ?? ''))
  const [order, setOrder] = useState(of.order)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const kind = where.includes('/') ? 'run' : 'book'
    go(to(['trace', kind, where.trim(), order.trim()]))
  }
  return (
    <form className="bar" onSubmit={submit}>
      <label className="inline">Book, or spec/run
        <input required list="trace-books" value={where} onChange={(event) => setWhere(event.target.value)} />
      </label>
      <datalist id="trace-books">{info.data?.books.map((book) => <option key={book} value={book} />)}</datalist>
      <label className="inline grow">Order
        <input required data-key="search" value={order} placeholder="client order id, or the venue’s" onChange={(event) => setOrder(event.target.value)} />
      </label>
      <button type="submit" className="primary">Trace</button>
    </form>
  )
}
