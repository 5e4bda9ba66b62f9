import { flushPromises } from '@vue/test-utils'
import { afterEach, expect, test, vi } from 'vitest'

import { press, show, stubApi } from '@/account/testing'
import { queryClient } from '@/api/queryClient'
import { setTitle } from '@/composables/title'
import { isLive } from '@/live/state'
import { toasts } from '@/ui/toast'

import NotificationBell from './NotificationBell.vue'
import NotificationsPage from './NotificationsPage.vue'
import { unreadQuery } from './queries'
import { aNotification, REQUEST } from './testing'

afterEach(() => {
  toasts.splice(0)
  vi.unstubAllGlobals()
})

const READ = 'POST /notifications/read/'
const pageOf = (results: object[], pages = 1) => ({
  count: results.length,
  page: 1,
  page_size: 20,
  pages,
  results,
})

async function openBell(count: number, address = '/here') {
  const sent = stubApi({
    'GET /notifications/unread/': [200, { count }],
    [READ]: [200, { count: count - 1 }],
  })
  const { page, router } = await show(NotificationBell, { path: '/:rest(.*)*', address })
  return {
    page,
    router,
    link: () => page.find('a'),
    read: () => sent.filter((s) => s.call === READ),
  }
}

async function openPage(results: object[], address = '/notifications', pages = 1) {
  const sent = stubApi({
    'GET /notifications/': [200, pageOf(results, pages)],
    'GET /notifications/unread/': [200, { count: results.length }],
    [READ]: [200, { count: 0 }],
  })
  const { page } = await show(NotificationsPage, { path: '/notifications', address })
  return { page, read: () => sent.filter((one) => one.call === READ).map(({ body }) => body) }
}

test.each([
  [0, 'Notifications', '', 'Here'],
  [1, '1 unread notification', '1', '(1) Here'],
  [3, '3 unread notifications', '3', '(3) Here'],
  [100, 'More than 99 unread notifications', '99+', '(99+) Here'],
])('the bell says that %i are unread', async (count, label, badge, title) => {
  setTitle('Here')
  const { link } = await openBell(count)
  expect(link().attributes('aria-label')).toBe(label)
  expect(link().attributes('href')).toBe('/notifications')
  expect(link().text()).toBe(badge)
  expect(document.title).toBe(`${title} · Development`)
})

test('the count is asked for every half minute, unless the server tells of it', async () => {
  const interval = unreadQuery.refetchInterval as () => number | false
  expect(interval()).toBe(30_000)
  isLive.value = true
  expect(interval()).toBe(false)
  isLive.value = false
})

test('the count stays in the title on other pages, and goes with the bell', async () => {
  const setAppBadge = vi.fn<(count: number) => Promise<void>>(async () => {})
  vi.stubGlobal('navigator', Object.assign(Object.create(navigator), { setAppBadge }))
  const { page } = await openBell(2)
  setTitle('There')
  expect(document.title).toBe('(2) There · Development')
  expect(setAppBadge).toHaveBeenLastCalledWith(2)
  queryClient.setQueryData(unreadQuery.queryKey, { count: 5 })
  await flushPromises()
  expect(document.title).toBe('(5) There · Development')
  page.unmount()
  expect(document.title).toBe('There · Development')
  expect(setAppBadge).toHaveBeenLastCalledWith(0)
})

test('whoever looks at a request has read of it', async () => {
  const { router, read } = await openBell(2)
  expect(read()).toHaveLength(0)
  await router.push(`/things/${REQUEST}`)
  await flushPromises()
  expect(read()[0]!.body).toEqual({ request: REQUEST })
})

test('notifications are listed, and marked as read one by one or all', async () => {
  const { page, read } = await openPage([
    aNotification(),
    aNotification({
      id: 'b',
      kind: 'request.failed',
      text: 'Thing `a` failed.',
      read_at: '2026-01-10T12:00:00Z',
    }),
  ])
  const rows = page.findAll('ul > li')
  expect(rows).toHaveLength(2)
  expect(rows[0]!.text()).toContain('New')
  expect(rows[1]!.text()).not.toContain('New')
  expect(rows[1]!.text()).toContain('Thing a failed.')
  await page.find(`[aria-label="Mark as read: ${aNotification().text}"]`).trigger('click')
  await flushPromises()
  expect(read()).toEqual([{ ids: [aNotification().id] }])
})

test('all are marked as read', async () => {
  const { page, read } = await openPage([aNotification()])
  await press(page, 'Mark all as read')
  expect(read()).toEqual([{ all: true }])
  expect(page.text()).not.toContain('Mark all as read')
})

test('where there is nothing, it leads to the settings', async () => {
  const { page } = await openPage([])
  expect(page.text()).toContain('No notifications yet')
  expect(page.findAll('a').map((link) => link.attributes('href'))).toContain(
    '/account#notifications',
  )
})

test('nothing unread is not nothing at all', async () => {
  const { page } = await openPage([], '/notifications?unread=true')
  expect(page.text()).toContain('You have read all your notifications.')
  expect(page.find('[aria-current=true]').text()).toBe('Unread')
})
