import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { actFor, actingHeader, useActing } from './acting'
import { api, unwrap } from './client'
import { queryClient } from './queryClient'

const LAB = { id: '0b0f4f2e-6f0e-4b5c-9d0f-5f6c0a3d9a51', name: 'River lab' }
const sent: Request[] = []

afterEach(() => actFor(undefined))
beforeEach(() => {
  sent.length = 0
})

function answer(status: number, body: object) {
  vi.stubGlobal('fetch', async (request: Request) => {
    sent.push(request)
    return Response.json(body, { status })
  })
}

test('a call says for whom it acts, until one acts for oneself again', async () => {
  answer(200, {})
  const call = () => unwrap(api.GET('/usage/'))
  await call()
  actFor(LAB)
  await call()
  expect(sessionStorage.getItem('/api/v1/acting-for')).toContain('River lab')
  actFor(undefined)
  await call()
  expect(sent.map(({ headers }) => headers.get('X-Act-For'))).toEqual([null, LAB.id, null])
  expect(sessionStorage.getItem('/api/v1/acting-for')).toBeNull()
})

test('what is known of one account is not shown for another', () => {
  queryClient.setQueryData(['lists', 'a'], { results: [1] })
  queryClient.setQueryData(['session'], { user: { id: 1 } })
  actFor(LAB)
  expect(queryClient.getQueryData(['lists', 'a'])).toBeUndefined()
  expect(queryClient.getQueryData(['session'])).toBeDefined()
})

test('whoever may act for an account no longer acts for themselves', async () => {
  actFor(LAB)
  answer(404, { code: 'no_such_account', detail: "You can't act for this account, or no longer." })
  await expect(unwrap(api.GET('/usage/'))).rejects.toThrow("You can't act")
  expect(useActing().value).toBeUndefined()
  expect(actingHeader()).toEqual({})
})
