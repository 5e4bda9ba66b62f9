import createClient, { type Middleware } from 'openapi-fetch'

import { env, ownName } from '@/env'
import { language } from '@/i18n/language'

import { actFor, actingHeader } from './acting'
import { setClock } from './clock'
import { ApiError, errorFrom, unreachable } from './errors'
import { showInOverlay } from './overlay'
import type { paths } from './schema'

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Django's token against cross-site requests; it changes at sign-in, so it is read every time. Under
 * HTTPS its name has a prefix with which browsers take it from this very host only.
 */
export function csrfToken(): string {
  return /(?:^|;\s*)(?:__(?:Host|Secure)-)?csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? ''
}

let whenUnauthorized = () => {}

/** Calls `handler` whenever the API says that nobody is signed in any more. */
export function onUnauthorized(handler: () => void): void {
  whenUnauthorized = handler
}

const whenRefused = new Map<string, () => void>()

/** Calls `handler` whenever the API refuses something with this code. */
export function onRefused(code: string, handler: () => void): void {
  whenRefused.set(code, handler)
}

/** The error for an answer; every caller of the API, whatever it sends with, reports through here. */
export function failure(status: number, body: unknown, retryAfter: string | null): ApiError {
  if (import.meta.env.DEV && status === 500 && typeof body === 'string') showInOverlay(body)
  if (status === 401) whenUnauthorized()
  const error = errorFrom(status, body, retryAfter)
  whenRefused.get(error.code)?.()
  return error
}

const csrf: Middleware = {
  onRequest({ request }) {
    if (!SAFE.has(request.method)) request.headers.set('X-CSRFToken', csrfToken())
    return request
  },
}

/** So that what the API says comes in the language of the page. */
const speak: Middleware = {
  onRequest({ request }) {
    request.headers.set('Accept-Language', language.value)
    return request
  },
}

onRefused('no_such_account', () => actFor(undefined))

const act: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(actingHeader()))
      if (!request.headers.has(name)) request.headers.set(name, value)
    return request
  },
}

const clock: Middleware = {
  onResponse({ response }) {
    if (response.ok) setClock(response.headers.get('Date'))
  },
}

/**
 * Lets one task at a time change or ask for the session, in all tabs of this browser. Between the
 * end of a session and the response with the cookie of the next, it has none that counts.
 */
export async function withSession<Result>(task: () => Promise<Result>): Promise<Result> {
  // Browsers have no locks where a page came by HTTP from another host.
  const locks = navigator.locks as LockManager | undefined
  return locks ? await locks.request(ownName('session'), task) : await task()
}

/** An answer takes seconds; where none is there after so many milliseconds, the connection hangs. */
const LONGEST_WAIT = 60_000

/** `fetch` whose answer arrives in time or not at all; it may go over a line that nobody ends. */
export function fetchInTime(request: Request): Promise<Response> {
  // AbortSignal.any would do, but not in every browser that the page is built for.
  const end = new AbortController()
  const pass = () => end.abort(request.signal.reason)
  if (request.signal.aborted) pass()
  else request.signal.addEventListener('abort', pass, { once: true })
  setTimeout(() => end.abort(new DOMException('', 'TimeoutError')), LONGEST_WAIT)
  // Looked up at each call: openapi-fetch would keep the one that is there when the module loads.
  return globalThis.fetch(request, { signal: end.signal })
}

/** The API, typed by the OpenAPI document; wrap a call in `unwrap()`. */
export const api = createClient<paths>({
  baseUrl: env.apiRoot,
  headers: { Accept: 'application/json' },
  fetch: (request) => {
    const send = () => fetchInTime(request)
    const brings = !SAFE.has(request.method) && request.url.includes(`${env.apiRoot}auth/`)
    return brings ? withSession(send) : send()
  },
})
api.use(csrf, speak, act, clock)

interface Answer<Data> {
  data?: Data
  error?: unknown
  response: Response
}

/**
 * The data of an answer.
 * @throws {ApiError} for every answer that is not a success, and when there is none.
 */
export async function unwrap<Data>(call: Promise<Answer<Data>>): Promise<Data> {
  let answer: Answer<Data>
  try {
    answer = await call
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    // A success that is no JSON: something else answers in place of the API.
    if (error instanceof SyntaxError) throw errorFrom(200, null)
    throw unreachable()
  }
  const { ok, status, headers } = answer.response
  if (!ok) throw failure(status, answer.error, headers.get('Retry-After'))
  return answer.data as Data
}
