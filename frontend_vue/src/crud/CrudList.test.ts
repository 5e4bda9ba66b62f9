import { VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { expect, test } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'

import CrudList from './CrudList.vue'
import type { CrudApi } from './types'

async function open(count: number, address: string, rows = count) {
  const results = [{ id: '7', name: 'Rain gauge' }].slice(0, rows)
  const api = {
    address: '/things',
    one: 'thing',
    many: 'things',
    list: async () => ({ count, page: 1, page_size: 20, pages: 1, results }),
  } as unknown as CrudApi<never, never>
  const fields = [{ name: 'name', label: 'Name', type: 'text', listed: true }] as const
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: '/:rest(.*)*', component: CrudList }],
  })
  await router.push(address)
  const page = mount(CrudList, {
    props: { api, fields, searched: 'name' } as never,
    global: { plugins: [router, VueQueryPlugin] },
  })
  await flushPromises()
  return { page, router }
}

/** The addresses that a list of so many rows leads to. */
async function linksOf(count: number, address: string) {
  const { page } = await open(count, address)
  return page.findAll('a').map((link) => link.attributes('href'))
}

test.each([
  ['an empty list leads to its first row', 0, '/things', ['/things/new']],
  ['a list with rows has the same above them', 1, '/things', ['/things/new', '/things/7']],
  [
    'a search without a hit leads back to all',
    0,
    '/things?search=snow',
    ['/things/new', '/things'],
  ],
])('%s', async (_, count, address, links) => {
  expect(await linksOf(count, address)).toEqual(links)
})

test('a page that is empty since its last row was deleted leads to the first', async () => {
  const { router } = await open(20, '/things?page=2&search=snow', 0)
  expect(router.currentRoute.value.fullPath).toBe('/things?search=snow')
})
