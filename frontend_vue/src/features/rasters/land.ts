import type Feature from 'ol/Feature'
import TopoJSON from 'ol/format/TopoJSON'
import type MultiPolygon from 'ol/geom/MultiPolygon'
import Polygon from 'ol/geom/Polygon'

type Ring = number[][]

/** A little beyond where Web Mercator ends, in degrees. */
const POLE = 86

/**
 * The land of a TopoJSON file for a flat map.
 * The file's rings lie on a globe: they cross the antimeridian, and Antarctica's goes round the
 * pole. Drawn as they are, each leaves a stripe across the whole map.
 */
export function readLand(topology: object): Feature[] {
  const format = new TopoJSON({ layers: ['countries'] })
  const features = format.readFeatures(topology, {
    dataProjection: 'EPSG:4326',
    featureProjection: 'EPSG:4326',
  })
  for (const feature of features) {
    const geometry = feature.getGeometry() as Polygon | MultiPolygon
    if (geometry instanceof Polygon) {
      geometry.setCoordinates(geometry.getCoordinates().map(unroll))
    } else {
      geometry.setCoordinates(geometry.getCoordinates().map((polygon) => polygon.map(unroll)))
    }
    geometry.transform('EPSG:4326', 'EPSG:3857')
  }
  return features
}

/**
 * A ring without jumps: longitudes go on beyond 180 where it crosses the antimeridian, and a ring
 * round a pole is closed along the pole.
 */
export function unroll(ring: Ring): Ring {
  let turns = 0
  let before = ring[0]?.[0] ?? 0
  const flat = ring.map(([longitude = 0, latitude = 0]) => {
    if (longitude - before > 180) turns -= 1
    else if (before - longitude > 180) turns += 1
    before = longitude
    return [longitude + turns * 360, latitude]
  })
  const [first, last] = [flat[0], flat.at(-1)]
  if (turns && first && last) {
    const pole = last[1]! < 0 ? -POLE : POLE
    flat.push([last[0]!, pole], [first[0]!, pole], first)
  }
  return flat
}
