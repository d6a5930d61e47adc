// Sending a command once, however often the line breaks: the key belongs to the person's intent.

import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { command } from '../api/client'
import type { Accepted } from '../api/types'

interface Intent {
  method?: 'POST' | 'PUT'
  path: string
  body: object
}

export const newKey = (): string => crypto.randomUUID()

/** Tell of a command as it will be read in the journal. */
export function told(answer: Accepted): string {
  if ('expires' in answer) return `Allowed until ${answer.expires.replace('T', ' ').replace('Z', ' UTC')}.`
  if ('halted' in answer) return Object.entries(answer.halted).map(([book, id]) => `${book}: command ${id}`).join(', ') || 'No book has begun.'
  const taken = `Taken as command ${answer.command}.`
  return answer.is_running
    ? `${taken} The book answers at its next turn.`
    : `${taken} The book does not run: it obeys when it starts.`
}

/** The same body keeps its key when it is sent again; another body gets a new one. */
export function useCommand<Answer>() {
  const client = useQueryClient()
  const [sent, setSent] = useState({ text: '', key: newKey() })
  return useMutation<Answer, Error, Intent>({
    mutationFn: ({ method = 'POST', path, body }) => {
      const text = JSON.stringify([method, path, body])
      const key = text === sent.text ? sent.key : newKey()
      setSent({ text, key })
      return command<Answer>(method, path, body, key)
    },
    onSuccess: () => client.invalidateQueries(),
  })
}
