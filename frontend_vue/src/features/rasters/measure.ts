import geodesic from 'geographiclib-geodesic'

import type { Line } from './drawing'

const { WGS84 } = geodesic.Geodesic

/** Metres along the ellipsoid. */
export function lineLength(line: Line): number {
  return line.slice(1).reduce((sum, [x = 0, y = 0], index) => {
    const [before = 0, latitude = 0] = line[index]!
    return sum + (WGS84.Inverse(latitude, before, y, x).s12 ?? 0)
  }, 0)
}

/** Square metres and metres on the ellipsoid of a polygon that is not closed. */
export function areaSize(corners: Line): { area: number; perimeter: number } {
  const polygon = WGS84.Polygon(false)
  for (const [x = 0, y = 0] of corners) polygon.AddPoint(y, x)
  const { area = 0, perimeter } = polygon.Compute(false, true)
  return { area: Math.abs(area), perimeter }
}

/** Places at equal distances along a line, as the server takes its values. */
export function placesAlong(line: Line, count: number): { metres: number; place: number[] }[] {
  const at = line.map((_, index) => lineLength(line.slice(0, index + 1)))
  const length = at.at(-1)!
  return Array.from({ length: count }, (_, index) => {
    const metres = (length * index) / Math.max(1, count - 1)
    const end = Math.max(
      1,
      at.findIndex((one) => one >= metres),
    )
    const [from, to] = [line[end - 1]!, line[end]!]
    const share = (metres - at[end - 1]!) / (at[end]! - at[end - 1]! || 1)
    return { metres, place: from.map((value, axis) => value + share * (to[axis]! - value)) }
  })
}
