import { expect, test } from 'vitest'

import type { RasterBand } from './api'
import { histogramPath, percentileRange, ticks } from './histogram'

/** Heights of the bars, and where they stand. */
const bars = (path: string) =>
  [...path.matchAll(/M([\d.]+) \d+v-([\d.]+)/g)].map(([, x, height]) => [Number(x), Number(height)])

test('the largest class fills the height, an empty one has no bar', () => {
  expect(bars(histogramPath([100, 0, 25, 0], 40, 64))).toEqual([
    [0, 64],
    [20, 32],
  ])
})

test('one pixel beside a million is still seen', () => {
  expect(bars(histogramPath([1_000_000, 1], 2, 64))[1]?.[1]).toBeGreaterThanOrEqual(1)
})

test('nothing to count is nothing to draw', () => {
  expect(histogramPath([0, 0], 40, 64)).toBe('')
  expect(histogramPath([], 40, 64)).toBe('')
})

test('counts are drawn as they are, or by their logarithm', () => {
  expect(bars(histogramPath([100, 25], 40, 64, 'linear'))[1]?.[1]).toBe(16)
  expect(bars(histogramPath([999, 99], 40, 60, 'log'))[1]?.[1]).toBe(40)
})

test.each([
  [
    [0, 255],
    [0, 100, 200],
  ],
  [
    [-0.42, 0.9],
    [0, 0.5],
  ],
  [
    [310.5, 2312],
    [500, 1000, 1500, 2000],
  ],
] as [[number, number], number[]][])('an axis from %j has round numbers', (range, numbers) => {
  expect(ticks(range)).toEqual(numbers)
})

test('percentiles are those of the server, or of the histogram', () => {
  const band = {
    minimum: 0,
    maximum: 100,
    percentile_2: 3,
    percentile_98: 90,
    histogram: { counts: [50, 0, 0, 50], edges: [0, 100] },
  } as unknown as RasterBand
  expect(percentileRange(band, 0)).toEqual([0, 100])
  expect(percentileRange(band, 2)).toEqual([3, 90])
  expect(percentileRange(band, 10)).toEqual([5, 95])
})
