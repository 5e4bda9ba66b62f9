import { expect, test } from 'vitest'

import { areaSize, lineLength, placesAlong } from './measure'

// What PROJ says (pyproj.Geod), the second across the antimeridian.
test.each([
  [[[9, 46.5], [9.4, 46.9], [10.2, 46.7]], 118965.374895955, 1694496722.5943604, 213560.15347497692],
  [[[179, -17], [-179, -17], [-179, -15], [179, -15]], 649388.552098801, 47378519562.5437, 870706.1212311763],
])('lengths and areas are those of the ellipsoid', (corners, length, area, perimeter) => {
  expect(lineLength(corners)).toBeCloseTo(length, 3)
  const found = areaSize(corners)
  expect(found.area / area).toBeCloseTo(1, 9)
  expect(found.perimeter).toBeCloseTo(perimeter, 3)
}) // prettier-ignore

test('places along a line are at equal distances', () => {
  const line = [[0, 0], [1, 0], [3, 0]] // prettier-ignore
  const found = placesAlong(line, 4)
  expect(found.map(({ place }) => place[0]!.toFixed(6))).toEqual([
    '0.000000',
    '1.000000',
    '2.000000',
    '3.000000',
  ])
  expect(found[1]!.metres).toBeCloseTo(111319.491, 2)
})
