import { expect, test } from 'vitest'

import { readOpacity, readPlace, writePlace } from './view'

test('a place comes back as it was written', () => {
  const place = { zoom: 7.25, latitude: 64.9631, longitude: -18.5 }
  expect(readPlace(writePlace(place))).toEqual(place)
})

test.each(['', 'x', '5/10', '5/91/0', '99/1/1', null, ['1/1/1']])('%o is no place', (text) => {
  expect(readPlace(text)).toBeNull()
})

test('opacity is whole and between 0 and 100', () => {
  expect([undefined, '40.4', '-3', '900', 'x'].map(readOpacity)).toEqual([100, 40, 0, 100, 100])
})
