import ScaleLine from 'ol/control/ScaleLine'
import { focus } from 'ol/events/condition'
import Feature from 'ol/Feature'
import { fromExtent } from 'ol/geom/Polygon'
import { defaults as defaultInteractions } from 'ol/interaction/defaults'
import MouseWheelZoom from 'ol/interaction/MouseWheelZoom'
import Graticule from 'ol/layer/Graticule'
import TileLayer from 'ol/layer/Tile'
import VectorLayer from 'ol/layer/Vector'
import OlMap from 'ol/Map'
import { transformExtent } from 'ol/proj'
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
import { readLand } from './land'
import { loadTile } from './loadTile'

/** The look of the page, for what is painted and cannot have CSS. */
export interface Look {
  /** Pixels. */
  fontSize: number
  // CSS colours
  land: string
  coast: string
  muted: string
  leaf: string
  surface: string
}

const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches
const duration = () => (calm() ? 0 : 250)

const stroke = (color: string, width: number, lineDash?: number[]) =>
  new Stroke({ color, width, lineDash })

/**
 * A map of one raster over the countries of the world, all of it from our own server.
 * @param target where it is drawn; its size is followed
 * @returns the map, and what the page does to it
 */
export function createMap(target: HTMLElement, raster: RasterResult) {
  const extent = transformExtent(mapExtent(raster.bounds), 'EPSG:4326', 'EPSG:3857')
  const { url_template: url, minzoom: minZoom, maxzoom: maxZoom } = raster.tiles

  const land = new VectorLayer({ source: new VectorSource() })
  const tiles = new XYZ({
    url,
    minZoom,
    maxZoom,
    transition: calm() ? 0 : 200,
    tileLoadFunction: loadTile,
  })
  const image = new TileLayer({ source: tiles })
  const outline = new VectorLayer({
    source: new VectorSource({ features: [new Feature(fromExtent(extent))] }),
  })
  const view = new View({ minZoom: 1, maxZoom: Math.min(24, maxZoom + 4), enableRotation: false })

  const map = new OlMap({
    target,
    view,
    layers: [land, image, outline],
    controls: [new ScaleLine()],
    // The wheel scrolls the page until the map was clicked or tabbed into.
    interactions: defaultInteractions({ mouseWheelZoom: false }).extend([
      new MouseWheelZoom({ condition: focus }),
    ]),
  })

  // Without it the map still has its graticule, so a failure needs no words.
  fetch(countriesUrl)
    .then((response) => response.json())
    .then((topology) => land.getSource()?.addFeatures(readLand(topology)))
    .catch(() => {})

  let graticule: Graticule | undefined

  function paint(look: Look) {
    land.setStyle(
      new Style({
        fill: new Fill({ color: look.land }),
        stroke: stroke(look.coast, 1),
      }),
    )
    outline.setStyle([
      new Style({ stroke: stroke(look.surface, 4) }),
      new Style({ stroke: stroke(look.leaf, 2, [6, 5]) }),
    ])
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
    })
    map.getLayers().insertAt(1, graticule)
  }

  function fit(options: { animate: boolean }) {
    view.fit(extent, {
      padding: [56, 48, 64, 48],
      maxZoom: maxZoom + 2,
      duration: options.animate ? duration() : 0,
    })
  }

  function zoom(step: number) {
    view.animate({ zoom: (view.getZoom() ?? 0) + step, duration: duration() })
  }

  fit({ animate: false })
  return { map, tiles, image, paint, fit, zoom }
}
