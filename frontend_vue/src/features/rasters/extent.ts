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
