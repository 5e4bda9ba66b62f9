import type OlMap from 'ol/Map'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import type { RasterResult } from './api'
import { exportMap } from './exportMap'
import { makeLayer } from './layers'
import { legendOf } from './legend'
import { drawProfile } from './profilePicture'

const band = {
  description: 'Height',
  color_interpretation: 'gray',
  unit: 'm',
  scale: 0.5,
  offset: 10,
  dtype: 'float32',
}
const raster = (more: object, style: object) =>
  makeLayer(
    {
      name: 'Iceland',
      bands: [{ ...band, ...more }],
      style: { bands: [1], ranges: [[0, 200]], colormap: 'viridis', ...style },
      colormaps: { viridis: ['440154', 'fde725'] },
    } as unknown as RasterResult,
    '',
    {},
  )
const heights = () => raster({}, {})
const cover = (count: number) => {
  const classes = Array.from({ length: count }, (_, index) => ({
    value: index + 1,
    name: index ? '' : 'Forest',
    colour: '00ff00',
  }))
  return raster({ classes, unit: '' }, { colormap: 'classes' })
}

/** What is written on pictures. */
let texts: string[]

beforeEach(() => {
  texts = []
  const gradient = { addColorStop: () => {} }
  const known: Record<string, unknown> = {
    fillText: (text: string) => texts.push(text),
    measureText: () => ({ width: 50 }),
    createLinearGradient: () => gradient,
  }
  const context = new Proxy(known, { get: (all, name: string) => all[name] ?? (() => {}) })
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(context as never)
  vi.spyOn(HTMLCanvasElement.prototype, 'toBlob').mockImplementation((done) => done(new Blob()))
  vi.stubGlobal('Path2D', function () {})
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

test('a legend has the unit of its values, as they are scaled', () => {
  expect(legendOf(heights())).toEqual({
    title: 'Iceland',
    subtitle: 'Height, m',
    colours: ['440154', 'fde725'],
    labels: ['10', '110'],
  })
})

test('a legend has the names of classes, and their values', () => {
  expect(legendOf(cover(2)).classes).toEqual([
    { colour: '#00ff00', name: '1 Forest' },
    { colour: '#00ff00', name: '2' },
  ])
})

test('a picture of the map has its legends, its scale and whom it is from', async () => {
  const target = document.createElement('div')
  target.innerHTML = '<div class="ol-scale-line-inner">50 km</div>'
  const map = {
    renderSync: () => {},
    getSize: () => [800, 600],
    getTargetElement: () => target,
    getViewport: () => target,
  } as unknown as OlMap
  const colours = { water: '#fff', surface: '#fff', ink: '#000', muted: '#888' }
  await exportMap(map, [heights(), cover(20)].map(legendOf), '© A', colours)
  expect(texts).toEqual(expect.arrayContaining(['Iceland', 'Height, m', '10', '110', '1 Forest']))
  expect(texts).toEqual(expect.arrayContaining(['14', 'and 6 more', '50 km', '© A']))
  expect(texts).not.toContain('15')
})

test('a picture of a profile has its title, values with their unit, and distances', async () => {
  const colours = { line: '#000', ink: '#000', grid: '#888', paper: '#fff' }
  const told = { title: 'Height, Iceland', length: 12_000, unit: 'm' }
  await drawProfile([0, null, 100], told, colours)
  expect(texts[0]).toBe('Height, Iceland')
  expect(texts).toEqual(expect.arrayContaining(['0 m', '100 m', '10 km']))
})
