import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { api, unwrap } from './client'
import { serverNow, setClock } from './clock'

const HERE = Date.parse('2026-01-10T12:00:00.700Z')

beforeEach(() => void vi.useFakeTimers({ now: HERE }))
afterEach(() => {
  setClock(new Date().toUTCString())
  vi.useRealTimers()
})

test('takes the time from the answers of the API', async () => {
  vi.stubGlobal('fetch', async () =>
    Response.json({}, { headers: { Date: 'Sat, 10 Jan 2026 12:05:00 GMT' } }),
  )
  await unwrap(api.GET('/auth/session/'))
  expect(new Date(serverNow()).toISOString()).toBe('2026-01-10T12:05:00.000Z')
})

test('does not jump for what is only the rounding and the way', () => {
  setClock('Sat, 10 Jan 2026 12:00:00 GMT')
  expect(serverNow()).toBe(HERE)
})

test.each([null, 'yesterday'])('keeps what it knows when an answer says %s', (date) => {
  setClock('Sat, 10 Jan 2026 11:00:00 GMT')
  const before = serverNow()
  setClock(date)
  expect(serverNow()).toBe(before)
})
