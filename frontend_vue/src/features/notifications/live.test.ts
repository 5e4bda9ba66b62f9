import { flushPromises } from '@vue/test-utils'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'

import { createQueryClient } from '@/api/queryClient'
import { toasts } from '@/ui/toast'

import { isLive } from '@/live/state'

import { notificationHandlers, tellByCount } from './live'
import { stubApi } from '@/account/testing'
import { inboxKey, preferenceQuery, type When, unreadQuery } from './queries'
import { aNotification, REQUEST } from './testing'

const page = { template: '<p />' }
const THING = `/things/${REQUEST}`
let hidden = false
/** What the browser was asked to show outside of the page. */
let shown: FakeNotification[] = []

class FakeNotification extends EventTarget {
  static permission = 'granted'
  constructor(
    readonly title: string,
    readonly options: NotificationOptions,
  ) {
    super()
    shown.push(this)
  }
  close() {}
}

function stubLocks(held: string[] = []) {
  const request = vi.fn<() => Promise<void>>(async () => {})
  const query = async () => ({ held: held.map((name) => ({ name })) })
  vi.stubGlobal('navigator', { locks: { request, query } })
  return request
}

async function open(path = '/elsewhere', browser: When = 'ended') {
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [
      { path: '/things', component: page },
      { path: '/things/:id', component: page },
      { path: '/:rest(.*)*', name: 'missing', component: page },
    ],
  })
  await router.push(path)
  const client = createQueryClient()
  client.setQueryData(preferenceQuery.queryKey, { page: 'ended', browser, mail: 'never' })
  const invalidate = vi.spyOn(client, 'invalidateQueries').mockResolvedValue()
  return { router, client, invalidate, handlers: notificationHandlers(client, router) }
}

async function gathered() {
  await vi.advanceTimersByTimeAsync(1000)
  await flushPromises()
}

beforeEach(() => {
  vi.useFakeTimers()
  hidden = false
  shown = []
  vi.spyOn(document, 'hidden', 'get').mockImplementation(() => hidden)
  vi.stubGlobal('Notification', FakeNotification)
  FakeNotification.permission = 'granted'
  stubLocks()
})
afterEach(() => {
  toasts.splice(0)
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

test('the count is the one that is told, and lists are asked for once', async () => {
  const { handlers, client, invalidate } = await open()
  handlers['notification.unread']({ count: 3 })
  handlers['notification.created'](aNotification())
  handlers['notification.unread']({ count: 4 })
  expect(client.getQueryData(unreadQuery.queryKey)).toEqual({ count: 4 })
  await gathered()
  expect(invalidate).toHaveBeenCalledTimes(1)
  expect(invalidate).toHaveBeenCalledWith({ queryKey: inboxKey })
})

test('the count is asked for anew, and once, when requests are deleted', async () => {
  const { handlers, invalidate } = await open()
  for (let number = 0; number < 100; number += 1) handlers['request.deleted']()
  await gathered()
  expect(invalidate).toHaveBeenCalledTimes(2)
  expect(invalidate).toHaveBeenCalledWith(unreadQuery)
})

test('a toast says it and leads to the request', async () => {
  const { handlers } = await open()
  handlers['notification.created'](aNotification())
  handlers['notification.created'](
    aNotification({
      id: '2',
      kind: 'request.failed',
      text: 'It failed.',
      request_kind: 'no',
      request: '1',
    }),
  )
  await gathered()
  expect(toasts).toMatchObject([
    { text: 'Thing “dunes” is completed.', tone: 'good', to: THING },
    { text: 'It failed.', tone: 'bad', to: '/requests/1' }, // a kind without a page
  ])
  expect(shown).toEqual([])
})

test('a batch is one toast, which leads to its part of the list', async () => {
  const { handlers } = await open()
  const batch = { request: null, batch: REQUEST, kind: 'batch.failed', text: 'Some.' } as const
  handlers['notification.created'](aNotification(batch))
  await gathered()
  expect(toasts).toMatchObject([{ text: 'Some.', tone: 'bad', to: `/things?batch=${REQUEST}` }])
})

test('many at once are one toast', async () => {
  const { handlers } = await open()
  for (let number = 0; number < 40; number += 1)
    handlers['notification.created'](
      aNotification({
        id: String(number),
        kind: number < 2 ? 'request.failed' : 'request.completed',
      }),
    )
  await gathered()
  expect(toasts).toMatchObject([
    { text: '40 new notifications, 2 about failures.', tone: 'bad', to: '/notifications' },
  ])
})

const countOf = (count: number): [number, { count: number }] => [200, { count }]

function stubApiAnswers(results: object[]): Parameters<typeof stubApi>[0] {
  return { 'GET /notifications/': [200, { count: results.length, pages: 1, page: 1, results }] }
}

test('a count that was asked for tells that there is something new, once', async () => {
  const { handlers, client } = await open()
  const texts = ['Third.', 'Second.', 'First.']
  const results = texts.map((text) => aNotification({ id: text, text }))
  const answers = stubApiAnswers(results)
  const count = () => sent.filter(({ call }) => call === 'GET /notifications/').length
  const sent = stubApi(answers)
  tellByCount(client, handlers['notification.created'])
  answers['GET /notifications/unread/'] = countOf(1)
  await client.fetchQuery(unreadQuery)
  await gathered()
  expect(count()).toBe(0) // nobody knows whether that is new
  answers['GET /notifications/unread/'] = countOf(3)
  await client.fetchQuery(unreadQuery)
  await gathered()
  await gathered()
  expect(toasts.map(({ text }) => text)).toEqual(['Third.', 'Second.'])
  handlers['notification.created'](results[0]!) // by a stream that is there again
  client.setQueryData(unreadQuery.queryKey, { count: 2 }) // some were read
  await gathered()
  expect(toasts).toHaveLength(2)
  expect(count()).toBe(1)
})

test('what came before a stream could tell of it is told of', async () => {
  const { handlers, client } = await open()
  client.setQueryData(unreadQuery.queryKey, { count: 0 })
  const answers = stubApiAnswers([aNotification()])
  stubApi(answers)
  tellByCount(client, handlers['notification.created'])
  isLive.value = true // and everything is asked for again
  answers['GET /notifications/unread/'] = countOf(1)
  await client.fetchQuery(unreadQuery)
  await gathered()
  await gathered()
  isLive.value = false
  expect(toasts.map(({ text }) => text)).toEqual([aNotification().text])
})

test('a count that a stream tells is not looked into', async () => {
  const { handlers, client } = await open()
  const sent = stubApi({})
  tellByCount(client, handlers['notification.created'])
  client.setQueryData(unreadQuery.queryKey, { count: 0 })
  client.setQueryData(unreadQuery.queryKey, { count: 1 })
  await gathered()
  expect(sent).toEqual([])
})

test("the request's own page says it already", async () => {
  const { handlers } = await open(THING)
  handlers['notification.created'](aNotification())
  await gathered()
  expect(toasts).toEqual([])
})

test('while the tab is hidden the browser shows it, once for all tabs', async () => {
  hidden = true
  const { handlers, router } = await open()
  handlers['notification.created'](aNotification())
  await gathered()
  expect(toasts).toEqual([])
  expect(shown).toHaveLength(1)
  expect(shown[0]!.options).toEqual({ body: aNotification().text, tag: aNotification().id })
  const focus = vi.spyOn(window, 'focus').mockImplementation(() => {})
  shown[0]!.dispatchEvent(new Event('click'))
  await flushPromises()
  expect(focus).toHaveBeenCalled()
  expect(router.currentRoute.value.path).toBe(THING)
})

test.each([
  ['nobody asked for it', 'never', 'granted', []],
  ['only failures are wanted', 'failed', 'granted', []],
  ['the browser does not allow it', 'ended', 'denied', []],
  ['another tab is visible', 'ended', 'granted', ['/api/v1/visible']],
] as const)('the browser shows nothing when %s', async (_, browser, permission, locks) => {
  hidden = true
  FakeNotification.permission = permission
  stubLocks([...locks])
  const { handlers } = await open('/elsewhere', browser)
  handlers['notification.created'](aNotification())
  await gathered()
  expect(shown).toEqual([])
})

test('a visible tab says so to the others', async () => {
  const request = stubLocks()
  hidden = true
  await open()
  expect(request).not.toHaveBeenCalled()
  hidden = false
  document.dispatchEvent(new Event('visibilitychange'))
  expect(request).toHaveBeenCalledWith('/api/v1/visible', { mode: 'shared' }, expect.any(Function))
})
