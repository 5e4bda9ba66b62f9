import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { defineComponent, h } from 'vue'
import { createMemoryHistory, createRouter, RouterView } from 'vue-router'

import { raster } from './testing'
import { useWorkbench } from './useWorkbench'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function setUp() {
  let workbench: ReturnType<typeof useWorkbench> | undefined
  const Page = defineComponent({
    setup() {
      workbench = useWorkbench(() => raster, true)
      return () => h('p')
    },
  })
  let settle: { loaded: (module: object) => void; failed: (reason: Error) => void } | undefined
  const load = () => new Promise<object>((loaded, failed) => (settle = { loaded, failed }))
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [
      { path: '/rasters/7', component: Page },
      { path: '/mosaics', component: load },
    ],
  })
  return { router, view: () => workbench!, next: () => settle! }
}

/** On the way to a page that loads, while the map glides. */
async function leave() {
  const all = setUp()
  await all.router.push('/rasters/7')
  const page = mount(RouterView, { global: { plugins: [all.router] } })
  await flushPromises()
  all.view().place.value = { zoom: 3, latitude: 1, longitude: 2 }
  await flushPromises()
  const leaving = all.router.push('/mosaics').catch(() => {})
  await flushPromises()
  all.view().place.value = { zoom: 4, latitude: 1, longitude: 2 }
  await vi.advanceTimersByTimeAsync(1000)
  return { ...all, page, leaving }
}

test('who leaves while the next page loads is not kept by the address of the view', async () => {
  const { router, next, page } = await leave()
  next().loaded({ template: '<p />' })
  await vi.advanceTimersByTimeAsync(1)
  expect(router.currentRoute.value.path).toBe('/mosaics')
  page.unmount()
})

test('the address follows the view again where the next page does not come', async () => {
  const { router, view, next, page, leaving } = await leave()
  next().failed(new Error('gone'))
  await leaving
  view().place.value = { zoom: 5, latitude: 1, longitude: 2 }
  await vi.advanceTimersByTimeAsync(1000)
  expect(router.currentRoute.value.query.at).toContain('5')
  page.unmount()
})
