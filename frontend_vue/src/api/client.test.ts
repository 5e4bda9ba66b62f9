import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { api, onRefused, onUnauthorized, unwrap } from './client'
import type { ApiError } from './errors'

const sent: Request[] = []

function answer(
  status: number,
  body: string,
  type = 'application/json',
  headers: Record<string, string> = {},
) {
  vi.stubGlobal('fetch', async (request: Request) => {
    sent.push(request)
    return new Response(body, { status, headers: { 'Content-Type': type, ...headers } })
  })
}

/** What `fetch` gives on a line that nobody ends. */
const hang = (signal: AbortSignal) =>
  new Promise<Response>((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error)
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })

const failure = (call: Promise<unknown>): Promise<ApiError> =>
  call.then(
    () => Promise.reject(new Error('It did not fail.')),
    (error) => error,
  )

beforeEach(() => {
  sent.length = 0
  document.cookie = 'csrftoken=token-1'
})
afterEach(() => {
  document.cookie = 'csrftoken=; max-age=0'
  onUnauthorized(() => {})
})

test('sends the CSRF token with what changes something, and only with that', async () => {
  answer(200, '{"user": null}')
  await unwrap(api.GET('/auth/session/'))
  await unwrap(api.POST('/auth/logout/'))
  expect(sent.map(({ headers }) => headers.get('X-CSRFToken'))).toEqual([null, 'token-1'])
})

test('tells whoever waits for a refusal of that kind', async () => {
  const handler = vi.fn<() => void>()
  onRefused('second_step_required', handler)
  for (const code of ['other', 'second_step_required']) {
    answer(403, JSON.stringify({ status: 403, code, detail: 'No.' }), 'application/problem+json')
    await failure(unwrap(api.GET('/auth/session/')))
  }
  expect(handler).toHaveBeenCalledOnce()
})

test('reads the token anew each time, because signing in changes it', async () => {
  answer(200, '{}')
  await unwrap(api.POST('/auth/logout/'))
  document.cookie = 'csrftoken=token-2'
  await unwrap(api.POST('/auth/logout/'))
  expect(sent.map(({ headers }) => headers.get('X-CSRFToken'))).toEqual(['token-1', 'token-2'])
})

test('a connection that hangs is a lost one, and says so within a minute', async () => {
  vi.useFakeTimers()
  vi.stubGlobal('fetch', (_: Request, { signal }: RequestInit) => hang(signal!))
  const failed = failure(unwrap(api.GET('/auth/session/')))
  await vi.advanceTimersByTimeAsync(60_000)
  expect(await failed).toMatchObject({ status: 0, code: 'unreachable', away: true })
  vi.useRealTimers()
})

test('a call that nobody waits for any more is cancelled, not lost', async () => {
  vi.stubGlobal('fetch', (_: Request, { signal }: RequestInit) => hang(signal!))
  const later = new AbortController()
  const failed = failure(unwrap(api.GET('/auth/session/', { signal: later.signal })))
  later.abort()
  expect(await failed).toMatchObject({ name: 'AbortError' })
  const before = failure(unwrap(api.GET('/auth/session/', { signal: AbortSignal.abort() })))
  expect(await before).toMatchObject({ name: 'AbortError' })
})

test('turns a problem document into an error with its sentence and fields', async () => {
  answer(
    400,
    JSON.stringify({
      type: 'about:blank',
      title: 'Bad request',
      status: 400,
      code: 'invalid',
      detail: 'Some fields are not valid.',
      trace_id: 'abc',
      errors: [
        { field: 'email', code: 'required', message: 'Give an address.' },
        { field: 'email', code: 'invalid', message: 'Second about the same field.' },
      ],
    }),
    'application/problem+json',
  )
  const error = await failure(unwrap(api.GET('/auth/session/')))
  expect(error).toMatchObject({
    status: 400,
    code: 'invalid',
    message: 'Some fields are not valid.',
    traceId: 'abc',
    fields: { email: 'Give an address.' },
    away: false,
  })
})

test('knows the page of a proxy for what it is: the server is away', async () => {
  answer(502, '<html>Bad gateway</html>', 'text/html')
  const error = await failure(unwrap(api.GET('/auth/session/')))
  expect(error.away).toBe(true)
  expect(error.message).not.toContain('<')
})

test.each([
  ['3', 3000],
  ['86400', 60_000],
  ['Sat, 28 Nov 2026 06:00:00 GMT', 0],
])('knows when the server wants to be asked again: %s', async (header, milliseconds) => {
  const body = '{"code": "database_unavailable", "detail": "The database does not answer."}'
  answer(503, body, 'application/problem+json', { 'Retry-After': header })
  expect(await failure(unwrap(api.GET('/auth/session/')))).toMatchObject({
    message: 'The database does not answer.',
    retryAfter: milliseconds,
    postponed: milliseconds > 0,
  })
})

test('reports no answer at all as the server being away', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')))
  expect((await failure(unwrap(api.GET('/auth/session/')))).away).toBe(true)
})

test('does not take a success that is no JSON for data', async () => {
  answer(200, '<html>Sign in to the airport network</html>', 'text/html')
  expect(await failure(unwrap(api.GET('/auth/session/')))).toMatchObject({
    code: 'unexpected',
    away: false,
  })
})

test('tells when nobody is signed in any more, and not for other refusals', async () => {
  const told = vi.fn<() => void>()
  onUnauthorized(told)
  answer(403, '{}')
  await failure(unwrap(api.GET('/auth/session/')))
  expect(told).not.toHaveBeenCalled()
  answer(401, '{}')
  await failure(unwrap(api.GET('/auth/session/')))
  expect(told).toHaveBeenCalledOnce()
})
