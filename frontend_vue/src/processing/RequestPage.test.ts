import { VueQueryPlugin } from '@tanstack/vue-query'
import { enableAutoUnmount, flushPromises, mount } from '@vue/test-utils'
import { afterEach, expect, test, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'

import { ApiError } from '@/api/errors'
import { createQueryClient } from '@/api/queryClient'

import RequestPage from './RequestPage.vue'
import { anApi, aRequest } from './testing'
import type { ProcessingApi } from './types'

enableAutoUnmount(afterEach)

async function open(calls: Partial<ProcessingApi>) {
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: '/:rest(.*)*', component: { template: '<p />' } }],
  })
  await router.push('/things/7')
  const page = mount(RequestPage, {
    props: {
      api: anApi(calls),
      id: '7',
      listTitle: 'Things',
      words: { thing: 'thing', steps: { brew: 'Making tea' } },
    },
    slots: { result: '<output>{{ params.result }}</output>' },
    attachTo: document.body,
    global: { plugins: [router, [VueQueryPlugin, { queryClient: createQueryClient() }]] },
  })
  await flushPromises()
  const press = async (label: string) => {
    // In the document and not in the page: a dialog stands beside it.
    const buttons = [...document.querySelectorAll<HTMLElement>('button')]
    buttons
      .filter((button) => button.textContent!.trim() === label)
      .at(-1)!
      .click()
    await flushPromises()
  }
  return { page, router, press }
}

test('shows what is going on, in the words of the feature', async () => {
  const { page } = await open({ status: async () => aRequest({ step: 'brew', progress: 40 }) })
  expect(page.find('h2').text()).toBe('Making tea')
  expect(page.find('[role=progressbar]').attributes('aria-valuenow')).toBe('40')
  expect(page.find('[aria-current=step]').text()).toBe('Process')
  expect(document.title).toBe('40 % · dunes · Rootstock')
})

test('hands the result to the feature', async () => {
  const { page } = await open({
    status: async () => aRequest({ status: 'completed' }),
    results: async () => 'the result',
  })
  expect(page.find('output').text()).toBe('the result')
})

test('a result that cannot be had is an error with a way on', async () => {
  const results = vi
    .fn<ProcessingApi['results']>()
    .mockRejectedValueOnce(new ApiError(500, 'internal_error', 'Our fault.'))
    .mockResolvedValue('the result')
  const { page, press } = await open({
    status: async () => aRequest({ status: 'completed' }),
    results,
  })
  expect(page.find('[role=alert]').text()).toContain('Our fault.')
  await press('Try again')
  expect(page.find('output').text()).toBe('the result')
})

test('a failure shows its sentence, and can be tried again', async () => {
  const failed = aRequest({ status: 'failed', error_code: 'bad', error_message: 'Run `fix it`.' })
  const retry = vi.fn<ProcessingApi['retry']>(async () => aRequest({ status: 'pending' }))
  const { page, press } = await open({ status: async () => failed, retry })
  expect(page.find('section p').text()).toBe('Run fix it.')
  expect(page.find('code').text()).toBe('fix it')
  await press('Try again')
  expect(retry).toHaveBeenCalledWith('7')
  expect(page.find('h2').text()).toBe('Waiting for a free worker')
})

test('a running request can be stopped', async () => {
  const cancel = vi.fn<ProcessingApi['cancel']>(async () => aRequest({ cancel_requested: true }))
  const { page, press } = await open({ status: async () => aRequest(), cancel })
  await press('Cancel')
  expect(cancel).toHaveBeenCalledWith('7')
  expect(page.find('h2').text()).toBe('Stopping')
})

test('deleting asks first, then leads back to the list', async () => {
  const remove = vi.fn<ProcessingApi['remove']>(async () => {})
  const { router, press } = await open({
    status: async () => aRequest({ status: 'cancelled' }),
    remove,
  })
  await press('Delete')
  await press('Keep it')
  expect(remove).not.toHaveBeenCalled()
  await press('Delete')
  await press('Delete')
  expect(remove).toHaveBeenCalledWith('7')
  expect(router.currentRoute.value.path).toBe('/things')
})

test('a request that is not there, or not yours, says so', async () => {
  const { page } = await open({
    status: () => Promise.reject(new ApiError(404, 'not_found', 'Not found.')),
  })
  expect(page.find('h1').text()).toBe('There is no such thing')
})
