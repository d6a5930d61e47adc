import { expect, it } from 'vitest'
import { address } from '../src/api/address'
import { problemFrom } from '../src/api/problem'
import { Session, takeCode } from '../src/api/session_keeper'
import { withSummary } from '../src/live/messages'
import type { BookSummary, TraceLink } from '../src/api/types'
import { grouped } from '../src/trace/grouped'
import { changes } from '../src/strategy/params'
import { counted, depth, exact, signed } from '../src/ui/numbers'

it('writes amounts without changing them, and always with a sign where a colour is', () => {
  expect(['1234567.8900', '-0.00001234', '12', 'NaN'].map(exact)).toEqual(['1,234,567.89', '−0.00001234', '12', 'NaN'])
  expect([1204.5, -3.2, 0, -0.001, null].map((value) => signed(value, 2))).toEqual(['+1,204.50', '−3.20', '0.00', '0.00', '–'])
  expect([1, 2, 2400].map((count) => counted(count, 'file'))).toEqual(['1 file', '2 files', '2,400 files'])
  expect([depth(0.0115), depth(0)]).toEqual(['−1.15 %', '0.00 %'])
})

it('repeats a list in an address, and leaves out what was not asked', () => {
  expect(address('/api/runs/compare', { run: ['a/1', 'b/2'], q: '', since: undefined })).toBe('/api/runs/compare?run=a%2F1&run=b%2F2')
})

it('always has a sentence and a way on for a refusal', () => {
  const ours = problemFrom(409, { error: 'Halted', fix: 'Resume it.' }, null)
  expect([ours.message, ours.fix]).toEqual(['Halted', 'Resume it.'])
  expect(problemFrom(429, null, '7').fix).toBe('Wait 7 s.')
  expect(problemFrom(422, { error: 'No', details: [{ where: 'body.bps', what: 'is missing' }] }, null).found).toBe('body.bps: is missing')
})

it('takes a code out of the address bar', () => {
  const seen: string[] = []
  const history = { replaceState: (_state: unknown, _title: string, url: string) => seen.push(url) } as unknown as History
  const code = takeCode({ hash: '#code=ab%2Bc', pathname: '/' } as Location, history)
  expect([code, ...seen]).toEqual(['ab+c', '/#/'])
  expect(takeCode({ hash: '#/desk', pathname: '/' } as Location, history)).toBe('')
})

it('renews a token once for all who wait, and forgets a session that has ended', async () => {
  const kept = new Map([['trading-assets.refresh', 'r1']])
  const store = {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
    removeItem: (name: string) => void kept.delete(name),
  } as unknown as Storage
  const sent: string[] = []
  const answers = [
    Response.json({ access: 'a1', expires_in: 900, refresh: 'r2', scope: 'read', name: 'anna' }),
    Response.json({ error: 'ended' }, { status: 401 }),
  ]
  globalThis.fetch = async (_path, request) => {
    sent.push(String(request?.body))
    return answers.shift() ?? Response.error()
  }
  const session = new Session(store, () => 0)
  expect(await Promise.all([session.token(), session.token()])).toEqual(['a1', 'a1'])
  expect(sent).toEqual(['{"refresh":"r1"}'])
  expect(kept.get('trading-assets.refresh')).toBe('r2')
  await expect(session.token(true)).rejects.toThrow('ended')
  expect([session.identity, session.hasRefresh]).toEqual([null, false])
})

it('keeps the type of a parameter, and names only what differs', () => {
  const params = { fast: 6, names: ['a'], on: true, kind: 'ema' }
  const { changed, problems } = changes(params, { fast: '7', names: '["a"]', on: 'yes', kind: 'sma' })
  expect(changed).toEqual([{ name: 'fast', before: 6, after: 7 }, { name: 'kind', before: 'ema', after: 'sma' }])
  expect(problems).toEqual({ on: 'JSON is expected' })
})

it('merges what is pushed of a book into the list of books', () => {
  const book = (name: string, equity: number) => ({ name, equity }) as BookSummary
  expect(withSummary([book('a', 1), book('b', 2)], book('b', 3)).map(({ equity }) => equity)).toEqual([1, 3])
  expect(withSummary([], book('c', 1))).toHaveLength(1)
})

it('folds what came out alike, and never what did not', () => {
  const link = (kind: string, status: TraceLink['status'] = 'equal') => ({ kind, status, name: '', files: [] }) as unknown as TraceLink
  const links = [...Array<string>(5).fill('bars').map((kind) => link(kind)), link('bars', 'differs'), link('raw'), link('raw')]
  expect(grouped(links).map((group) => group.length)).toEqual([5, 1, 1, 1])
})
