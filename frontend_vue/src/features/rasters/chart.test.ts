import { expect, test } from 'vitest'

import { area, distance, extremes, linePath, percent, profileTable, samples } from './chart'

test('the line spans the chart, and is interrupted where there is no value', () => {
  expect(linePath([0, 10, null, 5, 10], 40, 100)).toBe('M0.0 100.0L10.0 0.0M30.0 50.0L40.0 0.0')
})

test('without a value there is no line, and equal values lie in the middle', () => {
  expect(linePath([null, null], 10, 10)).toBe('')
  expect(extremes([])).toBeNull()
  expect(linePath([4, 4], 10, 10)).toBe('M0.0 5.0L10.0 5.0')
})

test('integers that JavaScript would round come as text; NaN and infinities are no values', () => {
  expect(samples(['9007199254740993'])).toEqual([2 ** 53])
  expect(samples([1, null, 'nan', '-inf', 2.5])).toEqual([1, null, null, null, 2.5])
})

test('distances are short', () => {
  expect([12.4, 999, 12_430, 399_000].map(distance)).toEqual(['12 m', '999 m', '12.4 km', '399 km'])
})

test('areas and shares are short', () => {
  expect([840, 123_456, 3_140_000].map(area)).toEqual([
    '840\u202fm²',
    '12.3\u202fha',
    '3.14\u202fkm²',
  ])
  expect([0, 0.0001, 0.1234].map(percent)).toEqual(['0.0\u202f%', '< 0.1\u202f%', '12.3\u202f%'])
})

test('a profile as CSV says what it cannot as nothing, and quotes names', () => {
  const places = [{ metres: 0, place: [9, 46] }, { metres: 12.345, place: [9.1, 46.1] }] // prettier-ignore
  expect(profileTable(places, [1.5, null], 'Height, "true"', 'm').split('\r\n')).toEqual([
    'distance_m,longitude,latitude,"Height, ""true"" (m)"',
    '0.00,9.0000000,46.0000000,1.5',
    '12.35,9.1000000,46.1000000,',
    '',
  ])
})
