import { VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { defineComponent, h } from 'vue'

import { ApiError, unreachable } from '@/api/errors'
import { createQueryClient } from '@/api/queryClient'

import ConnectionNotice from './ConnectionNotice.vue'
import { useRequest, useRequestList } from './queries'
import { anApi, aRequest } from './testing'
import type { ProcessingApi } from './types'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function watchRequest(status: ProcessingApi['status']) {
  const Page = defineComponent(() => {
    const query = useRequest(anApi({ status }), '7')
    return () => [
      h('p', query.data.value?.status),
      h(ConnectionNotice, { error: query.error.value }),
    ]
  })
  return show(Page)
}

function show(component: ReturnType<typeof defineComponent>) {
  return mount(component, {
    global: { plugins: [[VueQueryPlugin, { queryClient: createQueryClient() }]] },
  })
}

/** Lets time pass, and everything that was due in it finish. */
async function pass(milliseconds: number) {
  await vi.advanceTimersByTimeAsync(milliseconds)
  await flushPromises()
}

function hide(hidden: boolean) {
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(hidden)
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue(hidden ? 'hidden' : 'visible')
  document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
}

test('asks every two seconds, and never again once the request is final', async () => {
  const status = vi
    .fn<ProcessingApi['status']>()
    .mockResolvedValueOnce(aRequest({ status: 'pending' }))
    .mockResolvedValueOnce(aRequest())
    .mockResolvedValue(aRequest({ status: 'completed' }))
  const page = watchRequest(status)
  await pass(0)
  expect(page.text()).toBe('pending')
  await pass(1900)
  expect(status).toHaveBeenCalledTimes(1)
  await pass(200)
  expect(status).toHaveBeenCalledTimes(2)
  await pass(2000)
  expect(page.text()).toBe('completed')
  await pass(600_000)
  expect(status).toHaveBeenCalledTimes(3)
})

test('does not ask again while an answer is outstanding', async () => {
  let answer: ((request: ReturnType<typeof aRequest>) => void) | undefined
  const status = vi
    .fn<ProcessingApi['status']>()
    .mockResolvedValueOnce(aRequest())
    .mockImplementation(() => new Promise((resolve) => (answer = resolve)))
  watchRequest(status)
  await pass(0)
  await pass(60_000)
  expect(status).toHaveBeenCalledTimes(2)
  answer?.(aRequest())
  await pass(2100)
  expect(status).toHaveBeenCalledTimes(3)
})

test('slows down while nobody looks, and asks at once when somebody does', async () => {
  const status = vi.fn<ProcessingApi['status']>(async () => aRequest())
  watchRequest(status)
  await pass(0)
  hide(true)
  await pass(2000) // the timer that was running
  status.mockClear()
  await pass(60_000)
  expect(status).toHaveBeenCalledTimes(4)
  hide(false)
  await pass(0)
  expect(status).toHaveBeenCalledTimes(5)
  status.mockClear()
  await pass(10_000)
  expect(status.mock.calls.length).toBeGreaterThanOrEqual(4)
})

test('says that the server is away, keeps what it knows, and recovers', async () => {
  const status = vi.fn<ProcessingApi['status']>(async () => aRequest())
  const page = watchRequest(status)
  await pass(0)
  status.mockImplementation(() => Promise.reject(unreachable()))
  await pass(2000)
  expect(page.text()).toContain('processing')
  expect(page.find('[role=status]').text()).toContain('isn’t responding')
  status.mockClear()
  await pass(20_000)
  expect(status).toHaveBeenCalledTimes(4) // every five seconds
  status.mockResolvedValue(aRequest({ status: 'failed' }))
  await pass(5000)
  expect(page.text()).toContain('failed')
  expect(page.find('[role=status]').text()).toContain('is responding again')
  await pass(4000)
  expect(page.find('[role=status]').text()).toBe('')
})

test('asks again when the server says that it is ready', async () => {
  const status = vi.fn<ProcessingApi['status']>(async () => aRequest())
  const page = watchRequest(status)
  await pass(0)
  const busy = new ApiError(503, 'database_unavailable', 'Not ready.', '', {}, 20_000)
  status.mockImplementation(() => Promise.reject(busy))
  await pass(2000)
  expect(page.find('[role=status]').text()).toContain('isn’t responding')
  status.mockClear()
  await pass(19_000)
  expect(status).not.toHaveBeenCalled()
  await pass(2000)
  expect(status).toHaveBeenCalledOnce()
})

test('gives up on a request that is gone', async () => {
  const status = vi.fn<ProcessingApi['status']>(async () => aRequest())
  watchRequest(status)
  await pass(0)
  status.mockRejectedValue(new ApiError(404, 'not_found', 'Not found.'))
  await pass(2000)
  status.mockClear()
  await pass(600_000)
  expect(status).not.toHaveBeenCalled()
})

test('follows a list while anything on it is unfinished', async () => {
  const listOf = (...states: ('processing' | 'completed')[]) => ({
    count: 2,
    page: 1,
    page_size: 20,
    pages: 1,
    results: states.map((status, index) => aRequest({ id: String(index), status })),
  })
  const list = vi
    .fn<ProcessingApi['list']>()
    .mockResolvedValueOnce(listOf('completed', 'processing'))
    .mockResolvedValue(listOf('completed', 'completed'))
  show(
    defineComponent(() => {
      const query = useRequestList(anApi({ list }), { page: 1 })
      return () => h('p', query.data.value?.count)
    }),
  )
  await pass(0)
  await pass(2000)
  expect(list).toHaveBeenCalledTimes(2)
  await pass(600_000)
  expect(list).toHaveBeenCalledTimes(2)
})
