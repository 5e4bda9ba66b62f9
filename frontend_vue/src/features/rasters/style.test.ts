import { expect, test } from 'vitest'

import type { RasterResult } from './api'
import {
  computedStyle,
  readStyle,
  styleQuery,
  threeBands,
  tileUrl,
  usualStyle,
  vegetationIndex,
  withBands,
} from './style'

const band = (index: number, dtype: string) => ({
  index,
  dtype,
  minimum: -5,
  maximum: 900,
  percentile_2: 10,
  percentile_98: 700,
})

function raster(dtype: string, count: number): RasterResult {
  const bands = Array.from({ length: count }, (_, index) => band(index + 1, dtype))
  const shown = count < 3 ? [1] : [1, 2, 3]
  const stretched = dtype !== 'uint8' || count < 3
  return {
    bands,
    style: {
      bands: shown,
      ranges: stretched ? shown.map(() => [10, 700]) : [],
      colormap: dtype !== 'uint8' && count < 3 ? 'viridis' : '',
    },
    colormaps: { viridis: ['000000', 'ffffff'], magma: ['000000', 'ffffff'] },
    tiles: { url_template: '/t/{z}/{x}/{y}?v=2', minzoom: 0, maxzoom: 9 },
  } as unknown as RasterResult
}

test('three bands are those of the picture, not those that come first', () => {
  const five = raster('uint16', 5)
  expect(threeBands(five)).toEqual([1, 2, 3])
  five.style.bands = [3, 2, 1]
  expect(threeBands(five)).toEqual([3, 2, 1])
  five.style.bands = [4]
  const names = ['blue', 'green', 'red', 'rededge', 'nir']
  five.bands.forEach((one, index) => (one.common_name = names[index]!))
  expect(threeBands(five)).toEqual([3, 2, 1])
})

test('the usual style asks for nothing, so that tiles drawn in advance are used', () => {
  for (const one of [raster('uint8', 3), raster('float32', 1), raster('uint16', 5)]) {
    expect(styleQuery(one, usualStyle(one))).toEqual({})
    expect(tileUrl(one, usualStyle(one))).toBe('/t/{z}/{x}/{y}?v=2')
  }
})

test('a style goes to the server and comes back from the address', () => {
  const one = raster('float32', 2)
  const style = { ...withBands(one, [2]), ranges: [[1.5, 20]] as [number, number][] }
  style.colormap = 'magma'
  const query = styleQuery(one, style)
  expect(query).toEqual({ bands: '2', rescale: '1.5,20', colormap: 'magma' })
  expect(readStyle(one, query)).toEqual(style)
  expect(tileUrl(one, style)).toBe('/t/{z}/{x}/{y}?v=2&bands=2&rescale=1.5%2C20&colormap=magma')
})

test('three bands have a range each and no colormap', () => {
  const query = styleQuery(raster('uint16', 4), withBands(raster('uint16', 4), [4, 3, 2]))
  expect(query).toEqual({ bands: '4,3,2', rescale: '10,700,10,700,10,700' })
})

test('a band of classes is drawn in their colours, unless something else is asked for', () => {
  const one = raster('int16', 1)
  one.bands[0]!.classes = [{ value: 1, name: '', colour: '4e79a7', count: 9, area: 900 }]
  one.style = { bands: [1], ranges: [], colormap: 'classes' }
  expect(styleQuery(one, usualStyle(one))).toEqual({})
  const measured = { ...usualStyle(one), colormap: 'magma' }
  const query = styleQuery(one, measured)
  expect(query).toEqual({ bands: '1', rescale: '10,700', colormap: 'magma' })
  expect(readStyle(one, query)).toEqual(measured)
  expect(readStyle(one, { bands: '1', colormap: 'classes' })).toEqual(usualStyle(one))
})

test.each([
  { bands: '9' },
  { bands: '1,2' },
  { bands: '1.5' },
  { rescale: '5,1' },
  { rescale: 'a,b' },
  { rescale: '1,2,3' },
  { colormap: 'rainbow' },
  { colormap: 'classes' },
  { colormap: 'constructor' },
])('what makes no sense is left out: %o', (query) => {
  const one = raster('float32', 2)
  expect(readStyle(one, query)).toEqual(usualStyle(one))
})

test('what is computed comes back from its address, and says so to the server', () => {
  const one = raster('float32', 5)
  const styles = [
    computedStyle({ expression: '(b4-b3)/(b4+b3)' }),
    computedStyle({ algorithm: 'slope', band: 2 }),
    { ...computedStyle({ algorithm: 'hillshade', band: 1 }), colormap: 'magma' },
  ]
  for (const style of styles) {
    one.colormaps = { ...one.colormaps, [style.colormap]: [] }
    expect(readStyle(one, styleQuery(one, style))).toEqual(style)
  }
  expect(styleQuery(one, styles[0]!)).toEqual({
    expression: '(b4-b3)/(b4+b3)',
    rescale: '-1,1',
    colormap: 'viridis',
  })
  expect(readStyle(one, { algorithm: 'slope', bands: '99' }).bands).toEqual([1])
  expect(readStyle(one, { algorithm: 'aspect' })).toEqual(usualStyle(one))
})

test('an index of vegetation needs bands that are known', () => {
  const bands = [{ index: 1, common_name: 'red' }, { index: 4, common_name: 'nir' }] // prettier-ignore
  expect(vegetationIndex(bands as never)).toBe('(b4-b1)/(b4+b1)')
  expect(vegetationIndex(bands.slice(1) as never)).toBe('')
})

test('a band of one value has a range that the server takes', () => {
  const flat = raster('float32', 1)
  flat.style.ranges = [[5, 5]]
  expect(usualStyle(flat).ranges).toEqual([[5, 6]])
  expect(styleQuery(flat, usualStyle(flat))).toEqual({})
  const measured = { ...usualStyle(flat), colormap: 'magma' }
  expect(styleQuery(flat, measured)).toMatchObject({ rescale: '5,6', colormap: 'magma' })
  expect(readStyle(flat, styleQuery(flat, measured))).toEqual(measured)
})
