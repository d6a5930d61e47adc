// Signing in with a key; a one-time code in the address has been taken before this is shown.

import { type FormEvent, useState } from 'react'
import { session } from '../api/session'
import { Failure } from '../ui/states'

export function SignIn() {
  const [key, setKey] = useState('')
  const [error, setError] = useState<unknown>(null)
  const [isSending, setSending] = useState(false)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setSending(true)
    setError(null)
    try {
      await session.signIn({ key: key.trim() })
    } catch (found) {
      setError(found)
    } finally {
      setSending(false)
    }
  }
  return (
    <main className="sign-in">
      <h1>Trading desk</h1>
      {session.farewell && <p className="stale" role="status">{session.farewell}</p>}
      <form onSubmit={(event) => void submit(event)}>
        <label>
          Key
          <input type="password" autoComplete="current-password" autoFocus required value={key}
            onChange={(event) => setKey(event.target.value)} />
        </label>
        <button type="submit" className="primary" disabled={isSending}>{isSending ? 'Signing in…' : 'Sign in'}</button>
      </form>
      {error !== null && <Failure error={error} />}
      <p className="soft">
        Or open the address with <code>#code=…</code> that <code>make up</code> prints: it signs in once, within ten minutes.
        The session lasts as long as this tab.
      </p>
    </main>
  )
}
