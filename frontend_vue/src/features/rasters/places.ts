import Feature from 'ol/Feature'
import type MultiPolygon from 'ol/geom/MultiPolygon'
import Point from 'ol/geom/Point'
import Polygon from 'ol/geom/Polygon'
import { fromLonLat } from 'ol/proj'

/** Names of a place by language; where one is missing it is `en`. */
type Names = Record<string, string>

/** A place that the map names. */
export interface Named {
  kind: 'country' | 'capital' | 'city'
  /** The zoom from which on it is named. */
  zoom: number
  name: (language: string) => string
}

const place = (point: Point, named: Named) => new Feature({ geometry: point, named })

export const namedOf = (feature: { get(key: string): unknown }) => feature.get('named') as Named

/** The places of a table (samples/make_places.py), the most important first. */
export function readPlaces(table: string): Feature[] {
  const [head = '', ...lines] = table.trimEnd().split('\n')
  const [, , , , ...languages] = head.split('\t')
  return lines.map((line) => {
    const [zoom, longitude, latitude, capital, ...texts] = line.split('\t')
    const names: Names = Object.fromEntries(languages.map((key, index) => [key, texts[index]!]))
    return place(new Point(fromLonLat([Number(longitude), Number(latitude)])), {
      kind: capital ? 'capital' : 'city',
      zoom: Number(zoom),
      name: (language) => names[language] || names.en!,
    })
  })
}

/** The middles of countries, with the names that the browser has for them in every language. */
export function nameCountries(countries: Feature[]): Feature[] {
  return countries
    .map((country) => {
      const part = largest(country.getGeometry() as Polygon | MultiPolygon)
      return { country, part, area: part.getArea() }
    })
    .sort((one, other) => other.area - one.area)
    .map(({ country, part, area }) =>
      place(new Point(part.getInteriorPoint().getCoordinates().slice(0, 2)), {
        kind: 'country',
        zoom: countryZoom(area),
        name: countryName(`${country.getId() ?? ''}`, country.get('name') as string),
      }),
    )
}

function largest(geometry: Polygon | MultiPolygon): Polygon {
  if (geometry instanceof Polygon) return geometry
  return geometry
    .getPolygons()
    .reduce((one, other) => (other.getArea() > one.getArea() ? other : one))
}

const WORLD = 40_075_016.7 // metres of Web Mercator
const NAME_PIXELS = 70 // the side of a country that has room for its name

function countryZoom(area: number): number {
  return Math.max(1.5, Math.log2((NAME_PIXELS * WORLD) / 256 / Math.sqrt(area)))
}

/** @param number of ISO 3166-1, such as "276"; "" for places that have none */
function countryName(number: string, fallback: string): Named['name'] {
  const region = number && new Intl.Locale(`und-${number}`).region
  return (language) => (region && regionNames(language).of(region)) || fallback
}

const known = new Map<string, Intl.DisplayNames>()

function regionNames(language: string): Intl.DisplayNames {
  const names =
    known.get(language) ?? new Intl.DisplayNames(language, { type: 'region', fallback: 'none' })
  known.set(language, names)
  return names
}
