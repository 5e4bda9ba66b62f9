import { expect, test } from 'vitest'

import { ago, bytes, degrees, duration, number } from './format'

test.each([
  [0, '0 bytes'],
  [999, '999 bytes'],
  [1000, '1.00 kB'],
  [18_433_221, '18.4 MB'],
  [999_999, '1.00 MB'],
  [2_412_332_122, '2.41 GB'],
])('%d bytes are %s', (count, text) => expect(bytes(count)).toBe(text))

test.each([
  [-5000, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [200_000, '3 min 20 s'],
  [7_500_000, '2 h 5 min'],
])('%d ms last %s', (time, text) => expect(duration(time)).toBe(text))

test.each([
  ['2026-01-10T11:59:40Z', 'just now'],
  ['2026-01-10T12:05:00Z', 'just now'], // a clock that runs ahead
  ['2026-01-10T11:59:10Z', 'a minute ago'],
  ['2026-01-10T11:57:00Z', '3 minutes ago'],
  ['2026-01-09T11:00:00Z', 'yesterday'],
  ['2025-12-01T12:00:00Z', 'Dec 1, 2025'],
])('%s was %s', (time, text) => {
  expect(ago(time, Date.parse('2026-01-10T12:00:00Z'))).toBe(text)
})

test.each([
  [254, '254'],
  [10980, '10\u202f980'],
  [41.22193, '41.22'],
  [12345.67, '12\u202f345.7'],
  [0.00001234, '1.234e-5'],
  [-3.4028234663852886e38, '-3.403e+38'],
])('the number %d reads %s', (value, text) => expect(number(value)).toBe(text))

test('places have a hemisphere instead of a sign', () => {
  expect(degrees(-33.8688, 'latitude')).toBe('33.8688°\u00a0S')
  expect(degrees(151.2093, 'longitude')).toBe('151.2093°\u00a0E')
})
