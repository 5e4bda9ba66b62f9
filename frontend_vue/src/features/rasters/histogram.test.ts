import { expect, test } from 'vitest'

import { histogramPath } from './histogram'

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
