import { VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { expect, test, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'

import { createQueryClient } from '@/api/queryClient'

import { useEarlierFields } from './earlier'
import SampleButton from './SampleButton.vue'
import { anApi, aRequest } from './testing'

test('a form begins with what was asked for before, as far as it has fields for it', async () => {
  const parameters = { profile: 'zstd', copy: true, level: 9, tags: ['a'], crs: null, secret: 'x' }
  vi.stubGlobal('fetch', async () => Response.json({ parameters }))
  const usual = { profile: 'auto', copy: 'false', level: '6', tags: '', crs: '', bands: '1' }
  const page = mount(
    { setup: () => ({ fields: useEarlierFields('7', usual) }), template: '{{ fields }}' },
    { global: { plugins: [[VueQueryPlugin, { queryClient: createQueryClient() }]] } },
  )
  await flushPromises()
  expect(JSON.parse(page.text())).toEqual({
    ...usual,
    profile: 'zstd',
    copy: 'true',
    level: '9',
  })
})

test('a sample is submitted and opened', async () => {
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: '/:rest(.*)*', component: { template: '<p />' } }],
  })
  const sample = vi.fn<() => Promise<ReturnType<typeof aRequest>>>(async () => aRequest())
  const button = mount(SampleButton, {
    props: { api: anApi(), sample },
    global: { plugins: [router, [VueQueryPlugin, { queryClient: createQueryClient() }]] },
  })
  await button.trigger('click')
  await flushPromises()
  expect(sample).toHaveBeenCalledOnce()
  expect(router.currentRoute.value.path).toBe('/things/7')
})
