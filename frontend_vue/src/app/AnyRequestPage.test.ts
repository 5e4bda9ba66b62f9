import { VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, expect, test, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'

import { createQueryClient } from '@/api/queryClient'

import { aRequest } from '@/processing/testing'
import type { ProcessingRequest } from '@/processing/types'

import AnyRequestPage from './AnyRequestPage.vue'
import { readable } from './readable'

afterEach(() => void vi.unstubAllGlobals())

const DETAILS = {
  inputs: [{ label: 'Plan', files: [{ filename: 'plan.pdf', size: 1500 }] }],
  result: [
    { name: 'day', label: 'Day', type: 'date', value: '2026-03-01' },
    { name: 'is_new', label: 'Is new', type: 'bool', value: true },
    { name: 'words', label: 'Words', type: 'int', value: 12345 },
    { name: 'lines', label: 'Lines', type: 'text', value: [1, 2] },
  ],
  files: [{ filename: 'report.txt', size: 10, url: '/api/v1/merges/download-report/7/' }],
}

async function open(kind: string, changes: Partial<ProcessingRequest> = {}) {
  const request = aRequest({ kind, status: 'completed', ...changes })
  vi.stubGlobal('fetch', async ({ url }: Request) => {
    if (url.includes('/history/')) return Response.json([])
    return Response.json(url.includes('/details/') ? DETAILS : request)
  })
  const page = { template: '<p />' }
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [
      { path: '/counts/:id', component: page },
      { path: '/requests/:id', component: page },
      { path: '/:rest(.*)*', name: 'missing', component: page },
    ],
  })
  await router.push('/requests/7')
  const found = mount(AnyRequestPage, {
    props: { id: '7' },
    global: { plugins: [router, [VueQueryPlugin, { queryClient: createQueryClient() }]] },
  })
  await vi.waitFor(() => expect(found.find('[aria-label=Loading]').exists()).toBe(false))
  await flushPromises()
  return { found, router }
}

test('a request of a kind with a page is shown there', async () => {
  const { found, router } = await open('counts')
  await vi.waitFor(() => expect(router.currentRoute.value.path).toBe('/counts/7'))
  expect(found.find('h1').exists()).toBe(false)
})

test('a request of a kind without one is shown here', async () => {
  const { found, router } = await open('merges')
  expect(router.currentRoute.value.path).toBe('/requests/7')
  expect(found.find('h1').text()).toBe('dunes')
  const rows = found
    .findAll('dl div')
    .map((row) => row.findAll('dt, dd').map((each) => each.text()))
  expect(rows).toEqual([
    ['Day', 'Mar 1, 2026'],
    ['Is new', 'Yes'],
    ['Words', '12\u202f345'],
    ['Lines', '1, 2'],
    ['Plan', 'plan.pdf 1.50 kB'],
  ])
  const link = found.find('a[download]')
  expect(link.attributes('href')).toBe('/api/v1/merges/download-report/7/')
  expect(link.text()).toBe('report.txt, 10 bytes')
})

test('one that failed says why, and can be retried whatever the reason', async () => {
  const failed = { status: 'failed', error_code: 'odd', error_message: 'It is odd.' } as const
  const { found } = await open('merges', failed)
  expect(found.text()).toContain('It is odd.')
  expect(found.findAll('button').map((button) => button.text())).toContain('Retry')
})

test('what is no plain value is shown as a text, and not all of a long one', () => {
  expect(readable(['a', 1, null])).toBe('a, 1, null')
  expect(readable({ a: [1] })).toBe('{\n  "a": [\n    1\n  ]\n}')
  expect(readable('x'.repeat(3000))).toHaveLength(2002)
  expect(readable(null)).toBe(null)
  expect(readable(0.1)).toBe('0.1')
})
