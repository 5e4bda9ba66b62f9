import { VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, expect, test, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'

import { createQueryClient } from '@/api/queryClient'

import RequestList from './RequestList.vue'
import { anApi, aRequest } from './testing'

afterEach(() => void vi.useRealTimers())

async function open(address: string, outcome: object = {}) {
  const sent: { filter: Record<string, string> }[] = []
  vi.stubGlobal('fetch', async (request: Request) => {
    if (request.method === 'GET') return Response.json({ status: {} })
    sent.push(await request.json())
    return Response.json({
      done: 1,
      unchanged: 0,
      remaining: 2 - sent.length,
      refused: [],
      ...outcome,
    })
  })
  const results = [aRequest({ status: 'completed' })]
  const api = anApi({
    list: async () => ({ count: 340, page: 1, page_size: 20, pages: 17, results }),
  })
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: '/:rest(.*)*', component: RequestList }],
  })
  await router.push(address)
  const page = mount(RequestList, {
    props: { api, words: { thing: 'thing' } },
    attachTo: document.body,
    global: { plugins: [router, [VueQueryPlugin, { queryClient: createQueryClient() }]] },
  })
  await flushPromises()
  return { page, sent }
}

/** Presses the last button that says so: that of a dialog, if one is open. */
async function press(name: string) {
  const buttons = [...document.querySelectorAll('button')]
  buttons
    .filter((button) => button.textContent?.includes(name))
    .at(-1)!
    .click()
  await flushPromises()
  vi.advanceTimersByTime(60_000)
}

test.each([
  ['', '2026-01-10T12:00:00.000Z'],
  ['&to=2999-01-01', '2026-01-10T12:00:00.000Z'],
  ['&to=2025-03-01', new Date(2025, 2, 2).toISOString()],
])('to delete everything%s leaves what has come since it was selected', async (query, before) => {
  vi.useFakeTimers({ now: Date.parse('2026-01-10T12:00:00Z'), toFake: ['Date'] })
  const { page, sent } = await open(`/things?status=completed${query}`)
  await page.find('input[type=checkbox]').setValue(true)
  await press('Select all 340')
  await press('Delete')
  await press('Delete 340 things')
  await vi.waitFor(() => expect(sent).toHaveLength(2))
  for (const { filter } of sent)
    expect(filter).toMatchObject({ kind: 'things', status: 'completed', created_before: before })
})

test('a download is none of the pages that the person goes to', async () => {
  const links: HTMLAnchorElement[] = []
  vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: never) {
    links.push(this)
  })
  const assign = vi.spyOn(location, 'assign').mockReturnValue()
  const { page } = await open('/things', { url: '/api/v1/requests/archive/7/' })
  await page.find('input[type=checkbox]').setValue(true)
  vi.useFakeTimers({ toFake: ['Date'] })
  await press('Download')
  await vi.waitFor(() => expect(links).toHaveLength(1))
  expect(links[0]!.getAttribute('href')).toBe('/api/v1/requests/archive/7/')
  expect(links[0]!.hasAttribute('download')).toBe(true)
  expect(assign).not.toHaveBeenCalled()
})
