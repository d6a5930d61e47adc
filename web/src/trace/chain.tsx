// A chain of evidence: each link with what was recorded, what was found, and the files behind it.

import type { FileProof, Json, Proof, Trace as Chain, TraceLink } from '../api/types'
import { FactList } from '../ui/facts'
import { Mark, type Tone } from '../ui/marks'
import { grouped, proofOf } from './proof'

const TONE: Record<Proof, Tone> = { equal: 'good', differs: 'bad', 'not checkable': 'wait' }
const SAID: Record<Proof, string> = { equal: 'came out the same again', differs: 'differs', 'not checkable': 'cannot be checked' }

const WHOLE: Record<Proof, string> = {
  equal: 'The chain holds.',
  differs: 'The chain does not hold.',
  'not checkable': 'The chain holds as far as it can be checked.',
}

export function ChainView({ chain }: { chain: Chain }) {
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
  if (links.length === 1) return <li className={proofOf(first).replace(' ', '-')}><LinkView link={first} /></li>
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
  const proof = proofOf(link)
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
    </>
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
