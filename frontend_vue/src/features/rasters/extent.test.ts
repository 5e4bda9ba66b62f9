import { expect, test } from 'vitest'

import { mapExtent, wrapLongitude } from './extent'

test('stays within the projection', () => {
  expect(mapExtent([-180, -90, 180, 90])).toEqual([-180, -85.0511, 180, 85.0511])
})

test.each([
  ['east beyond 180', [170, 50, 190, 60]],
  ['east on the other side', [170, 50, -170, 60]],
])('keeps a raster across the antimeridian in one piece: %s', (_, bounds) => {
  expect(mapExtent(bounds)).toEqual([170, 50, 190, 60])
})

test.each([
  [190, -170],
  [-190, 170],
  [540, -180],
  [12.5, 12.5],
])('longitude %d is %d', (longitude, same) => expect(wrapLongitude(longitude)).toBe(same))
