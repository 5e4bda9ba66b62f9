import { afterEach, expect, test, vi } from 'vitest'

import { actFor } from '@/api/acting'

import { actOnAll } from './bulk'

afterEach(() => vi.unstubAllGlobals())

function answers(...outcomes: object[]) {
  const sent: unknown[] = []
  vi.stubGlobal('fetch', async (request: Request) => {
    sent.push(await request.json())
    const outcome = { done: 0, unchanged: 0, remaining: 0, refused: [], ...outcomes.shift() }
    return Response.json(outcome)
  })
  return sent
}

test('it asks until nothing remains, and says how many it was in all', async () => {
  const sent = answers({ done: 3, remaining: 4 }, { done: 3, remaining: 1 }, { done: 1 })
  const selection = { filter: { kind: 'things', search: 'a', status: undefined } }
  const told: number[][] = []
  const outcome = await actOnAll('retry', selection, (...numbers) => told.push(numbers))
  expect(outcome).toMatchObject({ done: 7, remaining: 0 })
  expect(told).toEqual([
    [3, 4],
    [6, 1],
    [7, 0],
  ])
  expect(sent).toEqual(
    Array.from({ length: 3 }, () => ({ filter: { kind: 'things', search: 'a' } })),
  )
})

test('it ends when nothing more can be done', async () => {
  const refused = [{ code: 'daily_work_limit', message: 'Tomorrow.', count: 2, ids: [] }]
  const sent = answers({ done: 1, remaining: 3, refused }, { remaining: 3, refused })
  expect(await actOnAll('retry', { ids: ['1'] })).toMatchObject({ done: 1, remaining: 3, refused })
  expect(sent).toHaveLength(2)
})

test('all calls are for the account that it began for', async () => {
  const outcomes = [{ done: 1, remaining: 1 }, { done: 1 }]
  const accounts: (string | null)[] = []
  vi.stubGlobal('fetch', async ({ headers }: Request) => {
    accounts.push(headers.get('X-Act-For'))
    actFor({ id: 'lab', name: 'River lab' }) // while the first call is under way
    return Response.json({ unchanged: 0, remaining: 0, refused: [], ...outcomes.shift() })
  })
  await actOnAll('cancel', { filter: { kind: 'things' } })
  expect(accounts).toEqual(['', ''])
  actFor(undefined)
})
