// Why an order was sent: its chain of evidence, link by link, down to the vendor's bytes.

import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { desk, trace, type TraceOf } from '../api/queries'
import type { FileProof, Json, Proof, Trace as Chain, TraceLink } from '../api/types'
import { go, to, usePlace } from '../router'
import { FactList } from '../ui/facts'
import { Mark, type Tone } from '../ui/marks'
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

const TONE: Record<Proof, Tone> = { equal: 'good', differs: 'bad', 'not checkable': 'wait' }
const SAID: Record<Proof, string> = { equal: 'came out the same again', differs: 'differs', 'not checkable': 'cannot be checked' }

const WHOLE: Record<Proof, string> = {
  equal: 'The chain holds.',
  differs: 'The chain does not hold.',
  'not checkable': 'The chain holds as far as it can be checked.',
}

function proofOf(link: TraceLink): Proof {
  if (link.status) return link.status
  return link.is_equal === true ? 'equal' : link.is_equal === false ? 'differs' : 'not checkable'
}

function ChainView({ chain }: { chain: Chain }) {
  const proofs = chain.links.map(proofOf)
  const count = (proof: Proof) => proofs.filter((each) => each === proof).length
  const whole: Proof = count('differs') > 0 || chain.is_sound === false ? 'differs' : count('not checkable') > 0 ? 'not checkable' : 'equal'
  const files = chain.links.reduce((sum, link) => sum + link.files.length, 0)
  return (
    <>
      <p className="sound">
        <Mark tone={TONE[whole]}><b>{WHOLE[whole]}</b></Mark>{' '}
        {count('equal')} of {chain.links.length} links came out the same again
        {count('differs') > 0 && `, ${count('differs')} differ`}
        {count('not checkable') > 0 && `, ${count('not checkable')} cannot be checked`}; {files} files.
      </p>
      {chain.order && <FactList of={chain.order as Json} most={16} />}
      <ol className="chain">
        {chain.links.map((link, place) => <LinkView key={`${place}/${link.kind}/${link.name}`} link={link} proof={proofs[place] ?? 'not checkable'} />)}
      </ol>
    </>
  )
}

function LinkView({ link, proof }: { link: TraceLink; proof: Proof }) {
  const isSame = link.recorded === link.found
  return (
    <li className={proof.replace(' ', '-')}>
      <p className="link-head">
        <span className="kind">{link.kind.replaceAll('_', ' ')}</span> <b>{link.name}</b>
        <Mark tone={TONE[proof]}>{SAID[proof]}</Mark>
      </p>
      {link.said && <p className="soft">{link.said}</p>}
      {(link.recorded || link.found) && (
        <dl className="values">
          {isSame ? (
            <div><dt>recorded and found</dt><dd className="mono">{link.recorded}</dd></div>
          ) : (
            <>
              <div><dt>recorded</dt><dd className="mono">{link.recorded || '–'}</dd></div>
              <div><dt>found</dt><dd className="mono">{link.found || '–'}</dd></div>
            </>
          )}
        </dl>
      )}
      {link.facts && Object.keys(link.facts).length > 0 && (
        <details>
          <summary>more of it</summary>
          <FactList of={link.facts as Json} most={24} />
        </details>
      )}
      {link.files.length > 0 && (
        <details open={proof === 'differs'}>
          <summary>{link.files.length} {link.files.length === 1 ? 'file' : 'files'}</summary>
          <ul className="files">{link.files.map((file) => <FileLine key={file.path} file={file} />)}</ul>
        </details>
      )}
    </li>
  )
}

function FileLine({ file }: { file: FileProof }) {
  const isEqual = file.is_equal ?? !file.found
  return (
    <li>
      <span className={isEqual ? 'met' : 'unmet'} title={isEqual ? 'the hash is the one that was promised' : (file.found ?? 'another hash')}>
        {isEqual ? '=' : '≠'}
      </span>
      <span className="mono">{file.vendor || file.path}</span>
      <span className="mono soft" title={file.sha256}>{file.sha256.slice(0, 16)}</span>
      {!isEqual && file.found && <span className="loss">{file.found}</span>}
    </li>
  )
}
