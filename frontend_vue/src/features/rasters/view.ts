/** What the map shows of the world; kept in the address, so that it can be sent on. */
export interface Place {
  zoom: number
  latitude: number
  longitude: number
}

/** "7.5/64.96310/-18.50000", as many maps write it. */
export function writePlace({ zoom, latitude, longitude }: Place): string {
  return [zoom.toFixed(2), latitude.toFixed(5), longitude.toFixed(5)].join('/')
}

/** @returns null when it is no place on a map */
export function readPlace(text: unknown): Place | null {
  if (typeof text !== 'string' || !text) return null
  const [zoom = NaN, latitude = NaN, longitude = NaN] = text.split('/').map(Number)
  const sound = zoom >= 0 && zoom <= 28 && Math.abs(latitude) <= 90 && Math.abs(longitude) <= 720
  return sound ? { zoom, latitude, longitude } : null
}

/** Whole percent, 100 when the address does not say. */
export function readOpacity(text: unknown): number {
  const value = Number(text ?? 100)
  return Number.isFinite(value) ? Math.min(100, Math.max(0, Math.round(value))) : 100
}
