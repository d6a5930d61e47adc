// Two steps: opening is the first, in which the desk says what it would do; it then waits half a
// minute for the second.

import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useReducer, useRef, useState } from 'react'
import { command as send } from '../api/client'
import { asProblem } from '../api/problem'
import type { Accepted, Armed } from '../api/types'
import { useNow } from '../time/context'
import { Dialog } from '../ui/dialog'
import { Failure } from '../ui/states'
import type { BookCommand } from './commands'
import { newKey, told } from './send'
import { ASKING, step } from './two_steps'

interface TwoStepDialogProps {
  command: BookCommand
  path: string
  subject?: string
  onClose: () => void
}

export function TwoStepDialog({ command, path, subject = 'all books', onClose }: TwoStepDialogProps) {
  const [now, tell] = useReducer(step, ASKING)
  const [reason, setReason] = useState('')
  const client = useQueryClient()
  const present = useNow()
  const why = reason.trim() || `${command.label} from the desk`

  useEffect(() => tell({ type: 'tick', now: Date.now() }), [present])

  const ask = async () => {
    tell({ type: 'ask' })
    try {
      const answer = await send<Armed>('POST', path, {}, newKey())
      tell({ type: 'armed', answer, now: Date.now() })
    } catch (error) {
      tell({ type: 'failed', error })
    }
  }

  // The mark keeps an effect that runs twice, as strict mode lets it, from asking twice.
  const hasAsked = useRef(false)
  useEffect(() => {
    if (hasAsked.current) return
    hasAsked.current = true
    void ask()
  })

  const confirm = async (nonce: string, endsAt: number) => {
    const at = Date.now()
    tell({ type: 'confirm', now: at })
    if (at >= endsAt) return
    try {
      const answer = await send<Accepted>('POST', path, { nonce, reason: why }, newKey())
      tell({ type: 'done', said: told(answer) })
    } catch (error) {
      tell({ type: 'failed', error })
    }
    await client.invalidateQueries()
  }

  const left = now.at === 'armed' ? Math.max(0, Math.floor((now.endsAt - present) / 1000)) : 0
  return (
    <Dialog title={`${command.label}: ${subject}`} tone="grave" onClose={onClose}>
      <p>{command.effect}</p>
      {now.at === 'armed' && (
        <p className="armed" role="status">
          This acts on <b>{now.books.join(', ') || 'no book, since none has begun'}</b>. It cannot be undone.
        </p>
      )}
      {now.at === 'done' && <p className="armed" role="status">{now.said}</p>}
      {now.at === 'expired' && <p className="stale" role="alert">The half minute is over; nothing was done.</p>}
      {now.at === 'failed' && <Failure error={asProblem(now.error)} />}
      {(now.at === 'asking' || now.at === 'armed') && (
        <label>
          <span>Reason (kept in the journal)</span>
          <input value={reason} placeholder={`${command.label} from the desk`} onChange={(event) => setReason(event.target.value)} />
        </label>
      )}
      <div className="buttons">
        <button type="button" onClick={onClose}>{now.at === 'done' ? 'Close' : 'Cancel'}</button>
        {now.at === 'armed' || now.at === 'confirming' ? (
          <button type="button" className="deed" disabled={now.at === 'confirming'}
            onClick={() => now.at === 'armed' && void confirm(now.nonce, now.endsAt)}>
            {now.at === 'armed' ? `2 of 2: ${command.label.toLowerCase()} now (${left} s)` : 'Sending…'}
          </button>
        ) : now.at === 'done' ? null : (
          <button type="button" className="primary" disabled={now.at === 'asking'} onClick={() => void ask()}>
            {now.at === 'asking' ? 'Asking…' : '1 of 2: ask again'}
          </button>
        )}
      </div>
    </Dialog>
  )
}
