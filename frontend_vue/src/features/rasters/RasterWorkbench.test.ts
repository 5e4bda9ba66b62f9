import { shallowMount, type VueWrapper } from '@vue/test-utils'
import { expect, test, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'

import RasterWorkbench from './RasterWorkbench.vue'
import { raster } from './testing'

async function open() {
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: '/:rest(.*)*', component: RasterWorkbench }],
  })
  await router.push('/rasters/7')
  const errorHandler = vi.fn<() => void>()
  const page = shallowMount(RasterWorkbench, {
    props: { raster },
    global: { plugins: [router], config: { errorHandler } },
  })
  return { page, map: page.getComponent('.workbench-map') as VueWrapper, errorHandler }
}

test('full screen is not offered where a browser has none for a part of the page', async () => {
  const { map, errorHandler } = await open() // nor has the document of these tests
  expect(map.attributes('whole')).toBeUndefined()
  map.vm.$emit('whole')
  expect(errorHandler).not.toHaveBeenCalled()
})

test('the workbench fills the screen', async () => {
  const fullscreenEnabled = { value: true, configurable: true }
  Object.defineProperties(document, { fullscreenEnabled })
  const { page, map } = await open()
  Reflect.deleteProperty(document, 'fullscreenEnabled')
  expect(map.attributes('whole')).toBe('false')
  const request = vi.fn<() => void>()
  Object.assign(page.element, { requestFullscreen: request })
  map.vm.$emit('whole')
  expect(request).toHaveBeenCalled()
})
