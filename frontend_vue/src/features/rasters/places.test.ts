import type MultiPolygon from 'ol/geom/MultiPolygon'
import Point from 'ol/geom/Point'
import { toLonLat } from 'ol/proj'
import { expect, test } from 'vitest'
import countries from 'world-atlas/countries-50m.json'

import { readLand } from './land'
import { nameCountries, namedOf, readPlaces } from './places'
import table from './places.tsv?raw'

const land = readLand(countries)
const named = nameCountries(land)

test('countries have names in each language, inside of them', () => {
  const names = (language: string) => named.map((one) => namedOf(one).name(language))
  const germany = names('en').indexOf('Germany')
  expect(names('de')[germany]).toBe('Deutschland')
  expect(names('fr')[germany]).toBe('Allemagne')
  const place = named[germany]!.getGeometry() as Point
  const shape = land.find((one) => one.get('name') === 'Germany')!.getGeometry() as MultiPolygon
  expect(shape.intersectsCoordinate(place.getCoordinates())).toBe(true)
  expect(names('de')).not.toContain('')
  expect(names('en')).toContain('Kosovo') // which has no number
})

test('a large country is named before a small one', () => {
  const zoom = (name: string) =>
    namedOf(named.find((one) => namedOf(one).name('en') === name)!).zoom
  expect(zoom('Russia')).toBeLessThan(zoom('Germany'))
  expect(zoom('Germany')).toBeLessThan(zoom('Luxembourg'))
})

test('places have the name of the language, else the English one', () => {
  const places = readPlaces(table)
  expect(places.length).toBeGreaterThan(7000)
  const find = (name: string) => places.find((one) => namedOf(one).name('en') === name)!
  expect(namedOf(find('Munich')).name('de')).toBe('München')
  expect(namedOf(find('Paris')).name('de')).toBe('Paris')
  expect(namedOf(find('Munich')).name('fr')).toBe('Munich')
  expect(namedOf(find('Berlin')).kind).toBe('capital')
  const [longitude, latitude] = toLonLat((find('Berlin').getGeometry() as Point).getCoordinates())
  expect(longitude).toBeCloseTo(13.4, 1)
  expect(latitude).toBeCloseTo(52.5, 1)
})
