import { expect, test } from 'vitest'

import { outlineRings, mapExtent, wrapLongitude } from './extent'

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

test('the part of a footprint beyond the antimeridian follows on to the east', () => {
  const east = [[170, 0], [180, 0], [180, 5], [170, 0]] // prettier-ignore
  const west = [[-180, 0], [-175, 0], [-175, 88], [-180, 0]] // prettier-ignore
  const rings = outlineRings({ type: 'MultiPolygon', coordinates: [[east], [west]] })
  expect(rings[0]).toEqual([east])
  expect(rings[1]?.[0]).toEqual([[180, 0], [185, 0], [185, 85.0511], [180, 0]]) // prettier-ignore
  expect(outlineRings({ type: 'Polygon', coordinates: [west] })[0]?.[0]?.[0]).toEqual([-180, 0])
  expect(outlineRings(null)).toEqual([])
})
