// One step: what the command does, why it is given, and a button that sends it.

import { type FormEvent, useId, useState } from 'react'
import type { Accepted } from '../api/types'
import { Dialog } from '../ui/dialog'
import { Failure } from '../ui/states'
import { type BookCommand, readFields } from './commands'
import { told, useCommand } from './send'

interface CommandDialogProps {
  command: BookCommand
  path: string
  subject: string
  fixed?: Record<string, unknown>
  onClose: () => void
}

const focused = (button: HTMLButtonElement | null) => button?.focus()

export function CommandDialog({ command, path, subject, fixed = {}, onClose }: CommandDialogProps) {
  const [reason, setReason] = useState('')
  const [typed, setTyped] = useState<Record<string, string>>({})
  const sending = useCommand<Accepted>()
  const fields = command.fields ?? []
  const id = useId()

  const submit = (event: FormEvent) => {
    event.preventDefault()
    const body = { ...fixed, ...readFields(fields, typed), reason: reason.trim() || `${command.label} from the desk` }
    sending.mutate({ path, body })
  }

  return (
    <Dialog title={`${command.label}: ${subject}`} tone={command.tone} onClose={onClose}>
      {sending.isSuccess ? (
        <div className="answer" role="status">
          <p>{told(sending.data)}</p>
          <button type="button" ref={focused} onClick={onClose}>Close</button>
        </div>
      ) : (
        <form onSubmit={submit}>
          <p>{command.effect}</p>
          {fields.map((field) => (
            <label key={field.name} htmlFor={`${id}-${field.name}`}>
              <span>{field.label}{field.isOptional && ' (optional)'}</span>
              <input
                id={`${id}-${field.name}`}
                type={field.kind === 'secret' ? 'password' : field.kind === 'number' ? 'number' : 'text'}
                step="any"
                autoComplete="off"
                required={!field.isOptional}
                value={typed[field.name] ?? ''}
                onChange={(event) => setTyped({ ...typed, [field.name]: event.target.value })}
              />
              {field.hint && <small>{field.hint}</small>}
            </label>
          ))}
          <label htmlFor={`${id}-reason`}>
            <span>Reason (kept in the journal)</span>
            <input id={`${id}-reason`} value={reason} placeholder={`${command.label} from the desk`}
              onChange={(event) => setReason(event.target.value)} />
          </label>
          {sending.error && <Failure error={sending.error} />}
          <div className="buttons">
            <button type="button" onClick={onClose}>Cancel</button>
            <button type="submit" className="primary" {...(fields.length === 0 ? { 'data-focus': true } : {})} disabled={sending.isPending}>
              {sending.isPending ? 'Sending…' : command.label}
            </button>
          </div>
        </form>
      )}
    </Dialog>
  )
}
