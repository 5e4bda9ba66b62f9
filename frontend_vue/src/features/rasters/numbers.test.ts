import { afterEach, expect, test, vi } from 'vitest'

import type { RasterResult } from './api'
import { makeLayer } from './layers'
import { numbersOf } from './numbers'

const band = (index: number) => ({ index, dtype: 'uint16', percentile_2: 10, percentile_98: 90 })
const raster = {
  bands: [band(1), band(2)],
  colormaps: {
    grey: ['000000', 'ffffff'],
    viridis: ['000000', 'ffffff'],
    magma: ['000000', 'ff0000', 'ffffff'],
  },
  style: { bands: [1], ranges: [[10, 90]], colormap: 'magma' },
  tiles: { url_template: '/tiles/{z}/{x}/{y}?v=1', maxzoom: 3 },
} as unknown as RasterResult

const numbers = (query: Record<string, string>) => numbersOf(makeLayer(raster, '', query))

afterEach(() => vi.unstubAllGlobals())

test('another stretch or other colours have the same address', () => {
  const one = numbers({ bands: '1', rescale: '0,50', colormap: 'magma' })
  const other = numbers({ bands: '1', rescale: '20,30', colormap: 'grey' })
  expect(one?.address).toBe('/tiles/{z}/{x}/{y}?v=1&bands=1&format=numbers')
  expect(other?.address).toBe(one?.address)
  expect(one?.painting).toEqual({ ranges: [[0, 50]], colours: raster.colormaps.magma })
  expect(numbers({ bands: '2', rescale: '0,50' })?.address).not.toBe(one?.address)
  expect(numbers({ expression: 'b1-b2' })?.address).toContain('expression=b1-b2&format=numbers')
})

test('the usual look, a stretch too narrow for 32 bits and old browsers are the server’s', () => {
  expect(numbers({})).toBeNull()
  expect(numbers({ bands: '1', rescale: '100000,100001' })).toBeNull()
  vi.stubGlobal('DecompressionStream', undefined)
  expect(numbers({ bands: '1', rescale: '0,50' })).toBeNull()
})
