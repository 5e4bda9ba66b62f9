import Graticule from 'ol/layer/Graticule'
import VectorLayer from 'ol/layer/Vector'
import type OlMap from 'ol/Map'
import VectorSource from 'ol/source/Vector'
import Circle from 'ol/style/Circle'
import Fill from 'ol/style/Fill'
import Stroke from 'ol/style/Stroke'
import Style from 'ol/style/Style'
import Text from 'ol/style/Text'
import countriesUrl from 'world-atlas/countries-50m.json?url'

import { readLand } from './land'
import { nameCountries, namedOf, readPlaces } from './places'
import placesUrl from './places.tsv?url'

/** The look of the page, for what is painted and cannot have CSS. */
export interface Look {
  /** Pixels. */
  fontSize: number
  /** Of names. */
  language: string
  // CSS colours
  land: string
  coast: string
  ink: string
  muted: string
  leaf: string
  surface: string
}

export const stroke = (color: string, width: number, lineDash?: number[]) =>
  new Stroke({ color, width, lineDash })

/**
 * The countries of the world with their names and places, and a graticule, from our own server.
 * @param order of what is below rasters, and of the names, which are above them
 */
export function createWorld(map: OlMap, order: { land: number; names: number }) {
  const land = new VectorLayer({ source: new VectorSource(), zIndex: order.land })
  const names = new VectorLayer({
    source: new VectorSource(),
    zIndex: order.names,
    declutter: true,
    className: 'ol-layer names-layer',
  })
  map.addLayer(land)
  map.addLayer(names)
  let graticule: Graticule | undefined
  let shown = ''

  // Without them the map still has its graticule, so a failure needs no words.
  void Promise.all([
    fetch(countriesUrl).then((response) => response.json()),
    fetch(placesUrl).then((response) => response.text()),
  ])
    .then(([topology, places]) => {
      const countries = readLand(topology)
      land.getSource()?.addFeatures(countries)
      names.getSource()?.addFeatures([...nameCountries(countries), ...readPlaces(places)])
    })
    .catch(() => {})

  function paint(look: Look) {
    land.setStyle(
      new Style({ fill: new Fill({ color: look.land }), stroke: stroke(look.coast, 1) }),
    )
    names.setStyle(nameStyle(map, look))
    const label = (textAlign: CanvasTextAlign, textBaseline: CanvasTextBaseline) =>
      new Text({
        font: `${Math.round(look.fontSize * 0.7)}px sans-serif`,
        fill: new Fill({ color: look.muted }),
        stroke: stroke(look.land, 3),
        textAlign,
        textBaseline,
      })
    // A graticule takes its style when it is made.
    if (graticule) map.removeLayer(graticule)
    graticule = new Graticule({
      strokeStyle: stroke(look.coast, 0.75),
      targetSize: 140,
      showLabels: true,
      latLabelPosition: 0.99,
      latLabelStyle: label('end', 'bottom'),
      lonLabelPosition: 0.99,
      lonLabelStyle: label('center', 'top'),
      zIndex: order.land,
    })
    map.addLayer(graticule)
    show(shown)
  }

  /** @param what "" is countries with names, "countries" has none; else there is nothing */
  function show(what: string) {
    shown = what
    const countries = what === '' || what === 'countries'
    land.setVisible(countries)
    graticule?.setVisible(countries)
    names.setVisible(what === '')
  }

  return { paint, show }
}

/** Where there is no room for all names, those of countries and of important places stay. */
function nameStyle(map: OlMap, look: Look) {
  const halo = stroke(look.surface, 3)
  const size = look.fontSize * 0.75
  const dot = (radius: number) =>
    new Circle({
      radius,
      fill: new Fill({ color: look.ink }),
      stroke: stroke(look.surface, 1.5),
    })
  const text = (font: string, color: string, offset: number) =>
    new Text({
      font: `${font}px sans-serif`,
      fill: new Fill({ color }),
      stroke: halo,
      textAlign: offset ? 'left' : 'center',
      offsetX: offset,
      padding: [2, 4, 2, 4],
    })
  const styles = {
    country: new Style({ text: text(`600 ${size}`, look.muted, 0) }),
    capital: new Style({ image: dot(3), text: text(`600 ${size}`, look.ink, 7) }),
    city: new Style({ image: dot(2), text: text(`${size}`, look.ink, 6) }),
  }
  return (feature: { get(key: string): unknown }) => {
    const { kind, zoom, name } = namedOf(feature)
    if ((map.getView().getZoom() ?? 0) < zoom) return
    const style = styles[kind]
    style.getText()?.setText(name(look.language))
    return style
  }
}
