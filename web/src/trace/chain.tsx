// A chain of evidence: each link with what was recorded, what was found, and the files behind it.

import type { FileProof, Proof, Trace as Chain, TraceLink } from '../api/types'
import { FactList } from '../ui/facts'
import { Mark, type Tone } from '../ui/marks'
import { counted } from '../ui/numbers'
import { grouped } from './grouped'

const TONE: Record<Proof, Tone> = { equal: 'good', differs: 'bad', 'not checkable': 'wait' }
const SAID: Record<Proof, string> = { equal: 'came out the same again', differs: 'differs', 'not checkable': 'cannot be checked' }

const WHOLE: Record<Proof, string> = {
  equal: 'The chain holds.',
  differs: 'The chain does not hold.',
  'not checkable': 'The chain holds as far as it can be checked.',
}

export function ChainView({ chain }: { chain: Chain }) {
  const count = (proof: Proof) => chain.links.filter(({ status }) => status === proof).length
  const files = chain.links.reduce((sum, link) => sum + link.files.length, 0)
  return (
    <>
      <p className="sound">
        <Mark tone={TONE[chain.status]}><b>{WHOLE[chain.status]}</b></Mark>{' '}
        {count('equal')} of {counted(chain.links.length, 'link')} came out the same again
        {count('differs') > 0 && `, ${count('differs')} came out otherwise`}
        {count('not checkable') > 0 && `, ${count('not checkable')} cannot be checked`}; {counted(files, 'file')}.
      </p>
      <FactList of={chain.order} most={16} />
      <ol className="chain">
        {grouped(chain.links).map((group, place) => (
          <Group key={`${place}/${group[0]?.kind}`} links={group} />
        ))}
      </ol>
    </>
  )
}

function Group({ links }: { links: readonly TraceLink[] }) {
  const [first] = links
  if (!first) return null
  if (links.length === 1) return <li className={first.status.replace(' ', '-')}><LinkView link={first} /></li>
  return (
    <li className="equal">
      <details>
        <summary>
          <span className="kind">{first.kind.replaceAll('_', ' ')}</span> {links.length} links <Mark tone="good">{SAID.equal}</Mark>
        </summary>
        <ul className="inner">
          {links.map((link) => <li key={`${link.name}/${link.recorded}`}><LinkView link={link} /></li>)}
        </ul>
      </details>
    </li>
  )
}

function LinkView({ link }: { link: TraceLink }) {
  const proof = link.status
  const isSame = link.recorded === link.found
  return (
    <>
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
      {Object.keys(link.facts).length > 0 && (
        <details>
          <summary>more of it</summary>
          <FactList of={link.facts} most={24} />
        </details>
      )}
      {link.files.length > 0 && (
        <details open={proof === 'differs'}>
          <summary>{counted(link.files.length, 'file')}</summary>
          <ul className="files">{link.files.map((file) => <FileLine key={file.path} file={file} />)}</ul>
        </details>
      )}
    </>
  )
}

function FileLine({ file }: { file: FileProof }) {
  const isEqual = file.found === ''
  return (
    <li>
      <span className={isEqual ? 'met' : 'unmet'} title={isEqual ? 'the hash is the one that was promised' : file.found}>
        {isEqual ? '=' : '≠'}
      </span>
      <span className="mono">{file.vendor || file.path}</span>
      <span className="mono soft" title={file.sha256}>{file.sha256.slice(0, 16)}</span>
      {!isEqual && <span className="loss">{file.found}</span>}
    </li>
  )
}
