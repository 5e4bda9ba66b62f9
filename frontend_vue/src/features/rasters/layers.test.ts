import { expect, test } from 'vitest'

import type { RasterResult } from './api'
import {
  makeLayer,
  moveLayer,
  readLayers,
  readSwipe,
  stretchLike,
  stretchTogether,
  swipeSides,
  withSources,
  writeLayers,
} from './layers'

const band = (low: number, high: number) => ({
  dtype: 'float32',
  color_interpretation: 'gray',
  percentile_2: low,
  percentile_98: high,
})
const raster = (id: string, low = 0, high = 10) =>
  ({
    id,
    bands: [band(low, high), band(low, high)],
    style: { bands: [1], ranges: [[low, high]], colormap: 'viridis' },
    colormaps: { viridis: [], magma: [] },
  }) as unknown as RasterResult

test('an address brings back all layers, their order and their look', () => {
  const own = makeLayer(raster('a'), '', { opacity: '40', blend: 'multiply' })
  const below = makeLayer(raster('b'), 'b', { bands: '2', rescale: '1,5', colormap: 'magma' })
  const above = makeLayer(raster('c'), 'c', { hidden: '1' })
  const written = writeLayers([below, own, above])

  const { others, below: count } = readLayers(written)
  expect(count).toBe(1)
  expect(others.map(({ source }) => source)).toEqual(['b', 'c'])
  const again = [makeLayer(raster('a'), '', written)].concat(
    others.map(({ source, query }) => makeLayer(raster(source), source, query)),
  )
  const known = (layer: (typeof again)[number]) => ({ ...layer, key: '' })
  expect(again.map(known)).toEqual([own, below, above].map(known))
})

test('an address without layers is one raster, and one of early releases compares two', () => {
  expect(readLayers({})).toEqual({ others: [], below: 0 })
  expect(readLayers({ layer: 'nonsense', order: '7' })).toEqual({ others: [], below: 0 })
  expect(readLayers({ compare: 'b' }).others).toEqual([{ source: 'b', query: {} }])
  expect([{ compare: 'b' }, {}, { swipe: '0' }, { swipe: '101' }].map(readSwipe)).toEqual([
    50,
    null,
    0,
    null,
  ])
})

test('layers are moved, and the two visible ones on top are compared', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((id) => makeLayer(raster(id), id))
  expect(moveLayer([a!, b!, c!], a!.key, 1)).toEqual([b, a, c])
  expect(moveLayer([a!, b!, c!], a!.key, -1)).toEqual([a, b, c])
  expect(swipeSides([a!, b!, { ...c!, visible: false }])).toEqual({ left: a, right: b })
  expect(swipeSides([a!, { ...b!, visible: false }])).toEqual({})
})

test('one stretch reaches over all values, and follows', () => {
  const low = makeLayer(raster('a', 0, 10), 'a')
  const high = makeLayer(raster('b', 5, 90), 'b')
  const classes = { ...makeLayer(raster('c'), 'c'), style: { bands: [1], ranges: [], colormap: 'classes' } } // prettier-ignore
  const shared = stretchTogether([low, high, classes as never], high)
  expect(shared.map(({ style }) => style.ranges)).toEqual([[[0, 90]], [[0, 90]], []])

  const changed = { ...shared[0]!, style: { ...low.style, ranges: [[3, 4]] as never } }
  expect(stretchLike(shared, changed).map(({ style }) => style.ranges[0])).toEqual([
    [3, 4],
    [3, 4],
    undefined,
  ])
})

test('a link for others opens the same layers by tokens', () => {
  const query = { layer: ['id=b&opacity=60', 'id=gone'], order: '1', at: '7/1/2', rescale: '1,2' }
  const shared = withSources(query, new Map([['b', 'token']]))
  expect(shared.toString()).toBe(
    'order=1&at=7%2F1%2F2&rescale=1%2C2&layer=id%3Dtoken%26opacity%3D60',
  )
  const read = readLayers({ layer: shared.getAll('layer'), order: shared.get('order') })
  expect(read.others.map(({ source }) => source)).toEqual(['token'])
  expect(withSources({ compare: 'b' }, new Map([['b', 't']])).toString()).toBe(
    'layer=id%3Dt&swipe=50',
  )
})
