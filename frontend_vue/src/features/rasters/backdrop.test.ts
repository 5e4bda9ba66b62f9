import { flushPromises } from '@vue/test-utils'
import type OlMap from 'ol/Map'
import { expect, test } from 'vitest'

import { createBackdrop } from './backdrop'
import { basemaps } from './basemaps'

test('a basemap that was left and chosen again while it loaded is there once', async () => {
  for (const name of ['A', 'B'])
    basemaps.push({ name, url: '/t/{z}/{x}/{y}', attribution: '', kind: 'xyz' })
  const layers = new Set<unknown>()
  const map = {
    addLayer: (layer: unknown) => layers.add(layer),
    removeLayer: (layer: unknown) => layers.delete(layer),
  } as unknown as OlMap
  const { choose } = createBackdrop(map, 0, () => {})
  for (const name of ['A', 'B', 'A']) choose(name)
  await flushPromises()
  expect(layers.size).toBe(1)
  choose('none')
  expect(layers.size).toBe(0)
  basemaps.splice(-2)
})
