// What a panel shows while it waits, when there is nothing, and when something went wrong.

import type { ReactNode } from 'react'
import { asProblem } from '../api/problem'

export function Loading({ lines = 3, said = '' }: { lines?: number; said?: string }) {
  return (
    <div className="loading" role="status" aria-label={said || 'Loading'}>
      {said && <p className="soft">{said}</p>}
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} />
      ))}
    </div>
  )
}

export function Empty({ children }: { children: ReactNode }) {
  return <p className="empty">{children}</p>
}

export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const problem = asProblem(error)
  return (
    <div className="failure" role="alert">
      <p className="what">{problem.message}</p>
      {(problem.expected || problem.found) && (
        <dl>
          {problem.expected && <><dt>Expected</dt><dd>{problem.expected}</dd></>}
          {problem.found && <><dt>Found</dt><dd>{problem.found}</dd></>}
        </dl>
      )}
      {problem.fix && <p className="fix"><b>What to do:</b> {problem.fix}</p>}
      {retry && <button type="button" onClick={retry}>Try again</button>}
    </div>
  )
}

/** What of a query a panel needs. */
export interface Asked<T> {
  data: T | undefined
  error: unknown
  refetch: () => unknown
}

interface WithProps<T> {
  of: Asked<T>
  lines?: number
  /** Said while it loads, where that takes more than a moment. */
  patience?: string
  isEmpty?: (data: T) => boolean
  empty?: ReactNode
  children: (data: T) => ReactNode
}

/** Show data, or its state; data that could not be renewed stays, and says so. */
export function With<T>({ of, lines, patience, isEmpty, empty, children }: WithProps<T>) {
  const { data, error } = of
  const retry = () => void of.refetch()
  if (data === undefined) {
    return error ? <Failure error={error} retry={retry} /> : <Loading {...(lines ? { lines } : {})} {...(patience ? { said: patience } : {})} />
  }
  return (
    <>
      {error ? (
        <p className="stale" role="alert">
          Not up to date: {asProblem(error).message}. {asProblem(error).fix}{' '}
          <button type="button" className="link" onClick={retry}>Try again</button>
        </p>
      ) : null}
      {isEmpty?.(data) ? <Empty>{empty ?? 'Nothing yet.'}</Empty> : children(data)}
    </>
  )
}
