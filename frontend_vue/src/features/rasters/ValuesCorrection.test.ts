import { VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { expect, test, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'

import { createQueryClient } from '@/api/queryClient'
import { aRequest } from '@/processing/testing'

import type { RasterResult } from './api'
import ValuesCorrection from './ValuesCorrection.vue'

test('a raster whose answer was lost is not made anew twice', async () => {
  const keys: (string | null)[] = []
  vi.stubGlobal('fetch', async ({ headers }: Request) => {
    keys.push(headers.get('Idempotency-Key'))
    if (keys.length === 1) throw new TypeError('Failed to fetch')
    return Response.json(aRequest({ id: 'r2' }))
  })
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: '/:rest(.*)*', component: ValuesCorrection }],
  })
  const page = mount(ValuesCorrection, {
    props: { raster: { id: 'r1', name: 'dunes', values: 'classes' } as RasterResult },
    global: { plugins: [router, [VueQueryPlugin, { queryClient: createQueryClient() }]] },
  })
  for (let press = 0; press < 2; press += 1) {
    await page.get('button').trigger('click')
    await flushPromises()
  }
  await vi.waitFor(() => expect(router.currentRoute.value.path).toBe('/rasters/r2'))
  expect(keys[0]).toBeTruthy()
  expect(keys[1]).toBe(keys[0])
})
