import Feature from 'ol/Feature'
import TopoJSON from 'ol/format/TopoJSON'
import { fromExtent } from 'ol/geom/Polygon'
import Graticule from 'ol/layer/Graticule'
import TileLayer from 'ol/layer/Tile'
import VectorLayer from 'ol/layer/Vector'
import OlMap from 'ol/Map'
import { transformExtent } from 'ol/proj'
import ScaleLine from 'ol/control/ScaleLine'
import { defaults as defaultInteractions } from 'ol/interaction/defaults'
import VectorSource from 'ol/source/Vector'
import XYZ from 'ol/source/XYZ'
import Fill from 'ol/style/Fill'
import Stroke from 'ol/style/Stroke'
import Style from 'ol/style/Style'
import Text from 'ol/style/Text'
import View from 'ol/View'
import countriesUrl from 'world-atlas/countries-50m.json?url'

import type { RasterResult } from './api'
import { mapExtent } from './extent'

export interface Palette {
  land: string
  coast: string
  muted: string
  paper: string
  leaf: string
}

/**
 * A map of one raster over the countries of the world, all of it from our own server.
 * @param target where it is drawn; its size is followed
 * @returns the map with what the page does to it
 */
export function createMap(target: HTMLElement, raster: RasterResult) {
  const extent = transformExtent(mapExtent(raster.bounds), 'EPSG:4326', 'EPSG:3857')

  const countries = new VectorLayer({
    source: new VectorSource({
      url: countriesUrl,
      format: new TopoJSON({ layers: ['countries'] }),
    }),
  })
  const tiles = new XYZ({
    url: raster.tiles.url_template,
    minZoom: raster.tiles.minzoom,
    maxZoom: raster.tiles.maxzoom,
    transition: matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 200,
  })
  const image = new TileLayer({ source: tiles })
  const outline = new VectorLayer({
    source: new VectorSource({ features: [new Feature(fromExtent(extent))] }),
  })

  const map = new OlMap({
    target,
    layers: [countries, image, outline],
    view: new View({
      maxZoom: Math.min(24, raster.tiles.maxzoom + 4),
      minZoom: 1,
      enableRotation: false,
    }),
    controls: [new ScaleLine()],
    // The wheel scrolls the page until the map has been clicked or tabbed into.
    interactions: defaultInteractions({ onFocusOnly: matchMedia('(pointer: fine)').matches }),
  })

  let graticule: Graticule | undefined

  function paint(palette: Palette) {
    const land = new Style({
      fill: new Fill({ color: palette.land }),
      stroke: new Stroke({ color: palette.coast, width: 1 }),
    })
    countries.setStyle(land)
    outline.setStyle([
      new Style({ stroke: new Stroke({ color: palette.paper, width: 4 }) }),
      new Style({ stroke: new Stroke({ color: palette.leaf, width: 2, lineDash: [6, 5] }) }),
    ])
    // A graticule takes its style when it is made.
    if (graticule) map.removeLayer(graticule)
    const label = () =>
      new Text({
        font: '11px sans-serif',
        fill: new Fill({ color: palette.muted }),
        stroke: new Stroke({ color: palette.paper, width: 3 }),
      })
    graticule = new Graticule({
      strokeStyle: new Stroke({ color: palette.coast, width: 0.75 }),
      showLabels: true,
      wrapX: true,
      targetSize: 140,
      latLabelPosition: 1,
      lonLabelPosition: 0.02,
      latLabelStyle: label(),
      lonLabelStyle: label(),
    })
    map.getLayers().insertAt(1, graticule)
  }

  function fit(duration = 0) {
    map
      .getView()
      .fit(extent, { padding: [48, 48, 48, 48], duration, maxZoom: raster.tiles.maxzoom + 2 })
  }

  fit()
  return { map, tiles, image, paint, fit }
}
