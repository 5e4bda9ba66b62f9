import { expect, test } from 'vitest'

import type { RasterBand } from './api'
import { readings } from './readout'

const band = (index: number, more: Partial<RasterBand> = {}) =>
  ({
    index,
    description: '',
    color_interpretation: 'gray',
    unit: '',
    scale: 1,
    offset: 0,
    classes: null,
    ...more,
  }) as RasterBand
const style = { bands: [2], ranges: [], colormap: '' }

test('values have the names, units and classes of their bands', () => {
  const bands = [
    band(1, { description: 'Temperature', unit: 'K', scale: 0.5, offset: 200 }),
    band(2, { classes: [{ value: 3, name: 'Forest', colour: '00ff00', count: 1, area: 1 }] }),
    band(3),
    band(4, { color_interpretation: 'alpha' }),
  ]
  expect(readings(bands, [100, 3, null, 255], style)).toEqual([
    { name: 'Temperature', text: '250\u202fK' },
    { name: 'Band 2', text: '3 Forest' },
    { name: 'Band 3', text: '–' },
  ])
  expect(readings(bands, [null, null, null, 255], style)).toEqual([])
})

test('of many bands only those on the map are named', () => {
  const bands = Array.from({ length: 9 }, (_, index) => band(index + 1))
  expect(readings(bands, [1, 2, 3, 4, 5, 6, 7, 8, 9], style)).toEqual([
    { name: 'Band 2', text: '2' },
  ])
})
