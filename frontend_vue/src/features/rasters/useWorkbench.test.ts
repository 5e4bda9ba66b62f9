import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { defineComponent, h } from 'vue'
import { createMemoryHistory, createRouter, RouterView } from 'vue-router'

import type { RasterResult } from './api'
import { useWorkbench } from './useWorkbench'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const raster = {
  id: '7',
  bands: [{ index: 1, dtype: 'uint8' }],
  style: { bands: [1], ranges: [[0, 255]], colormap: '' },
  colormaps: {},
  tiles: { url_template: '/t/{z}/{x}/{y}', minzoom: 0, maxzoom: 9 },
} as unknown as RasterResult

test('who leaves while the next page loads is not kept by the address of the view', async () => {
  let workbench: ReturnType<typeof useWorkbench> | undefined
  const Page = defineComponent({
    setup() {
      workbench = useWorkbench(() => raster, true)
      return () => h('p')
    },
  })
  let loaded: (module: object) => void = () => {}
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [
      { path: '/rasters/7', component: Page },
      { path: '/mosaics', component: () => new Promise<object>((resolve) => (loaded = resolve)) },
    ],
  })
  await router.push('/rasters/7')
  const page = mount(RouterView, { global: { plugins: [router] } })
  await flushPromises()
  workbench!.place.value = { zoom: 3, latitude: 1, longitude: 2 }
  await flushPromises()
  void router.push('/mosaics')
  await vi.advanceTimersByTimeAsync(1000)
  loaded({ template: '<p />' })
  await vi.advanceTimersByTimeAsync(1)
  expect(router.currentRoute.value.path).toBe('/mosaics')
  page.unmount()
})
