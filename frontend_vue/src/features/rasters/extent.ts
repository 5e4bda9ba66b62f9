/** Web Mercator ends here, in degrees. */
const EDGE = 85.0511

/**
 * Bounds in degrees as OpenLayers takes them for Web Mercator.
 * @param bounds west, south, east, north; east may lie beyond 180 across the antimeridian
 * @returns the same, within the projection, and with some width where the raster is a line
 */
export function mapExtent(bounds: number[]): [number, number, number, number] {
  const [west = -180, south = -EDGE, east = 180, north = EDGE] = bounds
  const clamp = (latitude: number) => Math.min(EDGE, Math.max(-EDGE, latitude))
  return [west, clamp(south), east < west ? east + 360 : east, clamp(north)]
}

/** The number of a longitude that was reached by going round the world. */
export function wrapLongitude(longitude: number): number {
  return ((((longitude + 180) % 360) + 360) % 360) - 180
}

type Rings = number[][][]

/**
 * The polygons of a footprint, in degrees; those beyond the antimeridian follow on to the east.
 * @returns [] when there is no footprint
 */
export function outlineRings(
  footprint: { type: string; coordinates: unknown[] } | null | undefined,
): Rings[] {
  if (!footprint) return []
  const polygons = (
    footprint.type === 'Polygon' ? [footprint.coordinates] : footprint.coordinates
  ) as Rings[]
  const parts = polygons.length > 1
  return polygons.map((polygon) =>
    polygon.map((ring) => {
      const west = parts && Math.max(...ring.map(([x = 0]) => x)) <= 0
      return ring.map(([x = 0, y = 0]) => [west ? x + 360 : x, Math.min(EDGE, Math.max(-EDGE, y))])
    }),
  )
}
