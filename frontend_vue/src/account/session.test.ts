import { afterEach, expect, test, vi } from 'vitest'

import { api } from '@/api/client'
import { queryClient } from '@/api/queryClient'
import { env } from '@/env'

import { forgetSession, isSessionOver, safeNext, signIn } from './session'
import { stubApi } from './testing'

test.each([
  ['goes on where this browser has another one', { user: { email: 'ada@example.org' } }, false],
  ['is over where nobody is signed in', { user: null }, true],
])('after a refused call the session %s', async (_, session, over) => {
  const fetch = vi.fn<() => Promise<Response>>(() => Promise.resolve(Response.json(session)))
  vi.stubGlobal('fetch', fetch)
  const again = vi.spyOn(queryClient, 'invalidateQueries').mockResolvedValue()
  expect(await Promise.all([isSessionOver(), isSessionOver()])).toEqual([over, over])
  expect(fetch).toHaveBeenCalledOnce()
  expect(again).toHaveBeenCalledTimes(over ? 0 : 1)
  vi.unstubAllGlobals()
  again.mockRestore()
})

test('waits for the cookie that a call is about to bring before it says that it is over', async () => {
  let last: Promise<unknown> = Promise.resolve()
  const request = (_: string, task: () => Promise<unknown>) => (last = last.then(task))
  vi.stubGlobal('navigator', { locks: { request } })
  let arrive: (() => void) | undefined
  let user: object | null = null // to a call with the cookie of before
  vi.stubGlobal('fetch', ({ method }: Request) => {
    if (method === 'GET') return Promise.resolve(Response.json({ user }))
    return new Promise<Response>((resolve) => {
      arrive = () => {
        user = { email: 'ada@example.org' }
        resolve(Response.json({}))
      }
    })
  })
  const again = vi.spyOn(queryClient, 'invalidateQueries').mockResolvedValue()
  const body = { old_password: 'a', new_password1: 'b', new_password2: 'b' }
  const changing = api.POST('/auth/password/change/', { body })
  await vi.waitUntil(() => arrive)
  const over = isSessionOver() // a stream of the former session has just ended
  setTimeout(() => arrive?.())
  expect(await over).toBe(false)
  await changing
  vi.unstubAllGlobals()
  again.mockRestore()
})

// As a reload does, which is none here: nothing is to wait for it in other tests.
afterEach(() => void dispatchEvent(new Event('beforeunload')))

const [ANNA, BEN] = [{ id: 1 }, { id: 2 }]

/** Somebody signs in here, after whoever was here before. */
async function enter(user: object) {
  stubApi({ 'POST /auth/login/': [200, {}], 'GET /auth/session/': [200, { user }] })
  await signIn('somebody@example.org', 'secret')
}

test('nothing that a tab keeps of one person is there for the next', async () => {
  const reload = vi.spyOn(location, 'reload').mockReturnValue()
  sessionStorage.setItem('/api/v1/acting-for', '{}')
  await enter(ANNA)
  forgetSession()
  await enter(ANNA)
  expect(reload).not.toHaveBeenCalled()
  expect(sessionStorage.getItem('/api/v1/acting-for')).toBe('{}')
  const ask = vi.fn<(event: Event) => void>((event) => event.preventDefault())
  addEventListener('beforeunload', ask) // as an upload of hers does
  forgetSession()
  await enter(BEN)
  expect(sessionStorage.getItem('/api/v1/acting-for')).toBeNull()
  expect(reload).toHaveBeenCalledOnce()
  dispatchEvent(new Event('beforeunload'))
  expect(ask).not.toHaveBeenCalled()
  removeEventListener('beforeunload', ask)
  await enter(BEN)
  expect(reload).toHaveBeenCalledOnce()
})

test.each(['storage', 'focus'])(
  'a tab notices by “%s” who has signed in in another',
  async (how) => {
    const reload = vi.spyOn(location, 'reload').mockReturnValue()
    await enter(ANNA)
    dispatchEvent(new Event(how))
    expect(reload).not.toHaveBeenCalled()
    const kept = { ...sessionStorage }
    await enter(BEN)
    Object.assign(sessionStorage, kept) // which the other tab has not touched
    reload.mockClear()
    dispatchEvent(new Event(how))
    expect(reload).toHaveBeenCalledOnce()
  },
)

test('a page that “back” brings from memory is loaded afresh', () => {
  const reload = vi.spyOn(location, 'reload').mockReturnValue()
  dispatchEvent(Object.assign(new Event('pageshow'), { persisted: false }))
  expect(reload).not.toHaveBeenCalled()
  dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }))
  expect(reload).toHaveBeenCalledOnce()
})

test.each(['/', '/files', '/files/1?page=2#map'])('goes on to %s', (next) => {
  expect(safeNext(next)).toBe(next)
})

test.each([
  ['another host', '//evil.example'],
  ['another host for browsers that swap slashes', '/\\evil.example'],
  ['another host behind a tab, which browsers leave out', '/\t/evil.example'],
  ['another host behind a line break, which they leave out too', '/\n\\evil.example'],
  ['a carriage return', '/\r/evil.example'],
  ['a full address', 'https://evil.example/'],
  ['a script', 'javascript:alert(1)'],
  ['a relative path', 'files'],
  ['nothing', ''],
  ['two values', ['/a', '/b']],
  ['no value', undefined],
])('does not follow %s', (_, next) => {
  expect(safeNext(next)).toBe('/')
})

test('takes off the base that the server puts before a path', () => {
  env.basePath = '/river'
  expect(safeNext('/river/admin/?q=1')).toBe('/admin/?q=1')
  expect(safeNext('/files')).toBe('/files')
  expect(safeNext('/river//evil.example')).toBe('/')
  env.basePath = ''
})
