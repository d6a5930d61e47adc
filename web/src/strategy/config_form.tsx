// The form of one strategy's parameters: what would change is said before it is kept.

import { type FormEvent, useId, useState } from 'react'
import { useLack } from '../api/session'
import type { NewConfig, StrategyConfig } from '../api/types'
import { useCommand } from '../desk/send'
import { Failure } from '../ui/states'
import { asText, changes } from './params'

export function ConfigForm({ config }: { config: StrategyConfig }) {
  const [typed, setTyped] = useState<Record<string, string>>({})
  const [reason, setReason] = useState('')
  const sending = useCommand<NewConfig>()
  const id = useId()
  const { changed, problems } = changes(config.params, typed)
  const lack = useLack()('admin')
  const isBarred = lack !== ''
  const isReady = changed.length > 0 && Object.keys(problems).length === 0 && reason.trim() !== '' && !isBarred

  const submit = (event: FormEvent) => {
    event.preventDefault()
    const params = Object.fromEntries(changed.map(({ name, after }) => [name, after]))
    sending.mutate({ method: 'PUT', path: '/api/strategy/config', body: { spec: config.spec, params, reason: reason.trim() } })
  }

  return (
    <form className="config" onSubmit={submit}>
      <p className="note">A change is kept as a new version. Nothing that trades changes: the version is backtested, and the gate decides.</p>
      {Object.entries(config.params).map(([name, value]) => (
        <label key={name} htmlFor={`${id}-${name}`}>
          {name.replaceAll('_', ' ')}
          <input id={`${id}-${name}`} value={typed[name] ?? asText(value)} disabled={isBarred}
            inputMode={typeof value === 'number' ? 'decimal' : 'text'} aria-invalid={name in problems}
            onChange={(event) => setTyped({ ...typed, [name]: event.target.value })} />
          {problems[name] && <small className="loss">✕ {problems[name]}</small>}
        </label>
      ))}
      <label htmlFor={`${id}-reason`}>
        Reason
        <input id={`${id}-reason`} value={reason} disabled={isBarred} onChange={(event) => setReason(event.target.value)} />
      </label>
      {changed.length > 0 && (
        <ul className="changes" aria-label="What would change">
          {changed.map(({ name, before, after }) => (
            <li key={name}>{name.replaceAll('_', ' ')}: <s>{asText(before)}</s> <b>→ {asText(after)}</b></li>
          ))}
        </ul>
      )}
      {isBarred && <p className="soft">{lack}.</p>}
      {sending.error && <Failure error={sending.error} />}
      {sending.data && (
        <p className="armed" role="status">
          Version {sending.data.version} of {sending.data.spec} is kept ({sending.data.file}). {sending.data.todo}
        </p>
      )}
      <div className="buttons">
        <button type="button" disabled={changed.length === 0} onClick={() => setTyped({})}>Undo</button>
        <button type="submit" className="primary" disabled={!isReady || sending.isPending}>
          {sending.isPending ? 'Keeping…' : 'Keep as a new version'}
        </button>
      </div>
    </form>
  )
}
