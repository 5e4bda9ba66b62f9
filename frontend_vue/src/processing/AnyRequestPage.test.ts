import { VueQueryPlugin } from '@tanstack/vue-query'
import { enableAutoUnmount, flushPromises, mount } from '@vue/test-utils'
import { afterEach, expect, test, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'

import { createQueryClient } from '@/api/queryClient'

import AnyRequestPage from './AnyRequestPage.vue'
import { aRequest } from './testing'

enableAutoUnmount(afterEach)
afterEach(() => void vi.unstubAllGlobals())

async function open(kind: string) {
  vi.stubGlobal('fetch', async () => Response.json(aRequest({ kind, status: 'completed' })))
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
  expect(found.text()).toContain('All of its work is done.')
})
