/* oxlint-disable no-console -- what is written there is what is tested */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { reportErrors } from './errors'
import { scrub, withoutQuery } from './scrub'
import { last, markCalls } from './traces'

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/
const { open } = XMLHttpRequest.prototype
const { error } = console
const sent = vi.fn<(traceparent: string | null) => void>()

beforeEach(() => {
  vi.stubGlobal('fetch', (input: RequestInfo, init?: RequestInit) => {
    sent(new Request(input, init).headers.get('traceparent'))
    return Promise.resolve(new Response())
  })
})
afterEach(() => {
  XMLHttpRequest.prototype.open = open
  console.error = error
  sent.mockReset()
})

test('each call begins a trace of its own, with the body and headers that it had', async () => {
  markCalls('/api/v1/')
  await fetch(new Request(new URL('/api/v1/a/', location.href), { headers: { Accept: 'a/b' } }))
  await fetch('/api/v1/b/', { method: 'POST', body: '{}' })
  const [[first], [second]] = sent.mock.calls as [[string], [string]]
  expect(first).toMatch(TRACEPARENT)
  expect(second).toMatch(TRACEPARENT)
  expect(first).not.toBe(second)
  expect(second).toBe(`00-${last.trace}-${last.span}-01`)
})

test('what is no call of the API is told nothing', async () => {
  markCalls('/api/v1/')
  await fetch('/static/a.js')
  await fetch('https://elsewhere.example/api/v1/a/')
  expect(sent.mock.calls).toEqual([[null], [null]])
})

test('an upload is a call too', () => {
  const set = vi.spyOn(XMLHttpRequest.prototype, 'setRequestHeader')
  markCalls('/api/v1/')
  new XMLHttpRequest().open('PUT', '/api/v1/uploads/1/')
  new XMLHttpRequest().open('PUT', 'https://storage.example/1')
  expect(set.mock.calls).toEqual([['traceparent', expect.stringMatching(TRACEPARENT)]])
})

const report = vi.hoisted(() => vi.fn<(error: Error) => void>())
vi.mock('./report', () => ({ report }))

test('an error is reported once, and a refusal of the API never', async () => {
  const write = vi.spyOn(console, 'error').mockImplementation(() => {})
  reportErrors({ dsn: '', environment: '', release: '' })
  const fault = new TypeError('x is undefined')
  console.error(fault)
  console.error(fault, 'again')
  console.error('a sentence')
  console.error(Object.assign(new Error('No.'), { name: 'ApiError' }))
  await vi.waitFor(() => expect(report).toHaveBeenCalledOnce())
  expect(report.mock.calls[0]![0]).toBe(fault)
  expect(write).toHaveBeenCalledTimes(4)
})

test.each([
  ['Failed for ada@example.org', 'Failed for [email]'],
  ['GET /api/v1/x/?token=abc&b=2 failed', 'GET /api/v1/x/ failed'],
  ['token: "hunter2hunter2"', 'token: "[secret]"'],
  ['/shared/c2VjcmV0LXNlY3JldC1zZWNyZXQ/ is gone', '/shared/[secret]/ is gone'],
  ['request 0192d3a4-1111-7222-8333-444455556666', 'request 0192d3a4-1111-7222-8333-444455556666'],
])('%s', (text, expected) => {
  expect(scrub(text)).toBe(expected)
})

test('an address is named without what opens a door', () => {
  expect(withoutQuery('https://a.example/shared/c2VjcmV0LXNlY3JldC1zZWNyZXQ?x=1#y')).toBe(
    'https://a.example/shared/[secret]',
  )
  expect(withoutQuery('https://a.example/static/vue/assets/index-BxK3abcd.js')).toBe(
    'https://a.example/static/vue/assets/index-BxK3abcd.js',
  )
})
