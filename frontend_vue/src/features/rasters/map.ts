import ScaleLine from 'ol/control/ScaleLine'
import { focus } from 'ol/events/condition'
import { getCenter, getHeight, getWidth } from 'ol/extent'
import Feature from 'ol/Feature'
import MultiPolygon from 'ol/geom/MultiPolygon'
import Point from 'ol/geom/Point'
import { fromExtent } from 'ol/geom/Polygon'
import { defaults as defaultInteractions } from 'ol/interaction/defaults'
import MouseWheelZoom from 'ol/interaction/MouseWheelZoom'
import Graticule from 'ol/layer/Graticule'
import TileLayer from 'ol/layer/Tile'
import VectorLayer from 'ol/layer/Vector'
import OlMap from 'ol/Map'
import { fromLonLat, toLonLat, transformExtent } from 'ol/proj'
import { getRenderPixel } from 'ol/render'
import type RenderEvent from 'ol/render/Event'
import VectorSource from 'ol/source/Vector'
import XYZ from 'ol/source/XYZ'
import Circle from 'ol/style/Circle'
import Fill from 'ol/style/Fill'
import Stroke from 'ol/style/Stroke'
import Style from 'ol/style/Style'
import Text from 'ol/style/Text'
import View from 'ol/View'
import countriesUrl from 'world-atlas/countries-50m.json?url'

import type { RasterResult } from './api'
import { mapExtent, outlineRings } from './extent'
import { readLand } from './land'
import { loadTile } from './loadTile'
import type { Place } from './view'

/** A raster that is smaller on the screen is shown as a dot. */
const DOT_PIXELS = 12

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
  const { minzoom: minZoom, maxzoom: maxZoom } = raster.tiles

  const land = new VectorLayer({ source: new VectorSource() })
  const source = ({ tiles: { url_template, maxzoom }, bands }: RasterResult) =>
    new XYZ({
      url: url_template,
      minZoom,
      maxZoom: maxzoom,
      interpolate: !bands.some(({ classes }) => classes), // between two classes there is none
      transition: calm() ? 0 : 200,
      tileLoadFunction: loadTile,
    })
  const tiles = source(raster)
  const image = new TileLayer({ source: tiles })
  const rings = outlineRings(raster.footprint)
  const geometry = rings.length
    ? new MultiPolygon(rings).transform('EPSG:4326', 'EPSG:3857')
    : fromExtent(extent)
  const outline = new VectorLayer({
    source: new VectorSource({ features: [new Feature(geometry)] }),
  })
  const view = new View({
    minZoom: 0,
    maxZoom: Math.min(24, maxZoom + 4),
    enableRotation: false,
    showFullExtent: true, // of the world: a full disk reaches to 81° north and south
  })

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
    const line = [
      new Style({ stroke: stroke(look.surface, 4) }),
      new Style({ stroke: stroke(look.leaf, 2, [6, 5]) }),
    ]
    const dot = new Style({
      geometry: new Point(getCenter(extent)),
      image: new Circle({
        radius: 6,
        fill: new Fill({ color: look.leaf }),
        stroke: stroke(look.surface, 2),
      }),
    })
    // From far away its tiles are empty and its outline is no line any more.
    outline.setStyle((_, resolution) =>
      Math.max(getWidth(extent), getHeight(extent)) < DOT_PIXELS * resolution ? dot : line,
    )
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

  /** Draws the raster's tiles from another address of the same raster. */
  function draw(address: string) {
    if (tiles.getUrls()?.[0] !== address) tiles.setUrl(address)
  }

  function place(): Place {
    const [longitude = 0, latitude = 0] = toLonLat(view.getCenter() ?? [0, 0])
    return { zoom: view.getZoom() ?? 0, latitude, longitude }
  }

  function go({ zoom: level, latitude, longitude }: Place) {
    view.setCenter(fromLonLat([longitude, latitude]))
    view.setZoom(level)
  }

  let second: TileLayer | undefined
  let edge = 0.5

  /**
   * Lays another raster over the right part of the map.
   * @param other null takes it away
   */
  function compare(other: RasterResult | null) {
    if (second) map.removeLayer(second)
    second = undefined
    if (!other) return
    second = new TileLayer({ source: source(other) })
    second.on('prerender', cut)
    second.on('postrender', ({ context }) => (context as CanvasRenderingContext2D).restore())
    map.getLayers().insertAt(map.getLayers().getArray().indexOf(image) + 1, second)
  }

  /** @param fraction of the map's width that shows the map's own raster */
  function swipe(fraction: number) {
    edge = fraction
    map.render()
  }

  function cut(event: RenderEvent) {
    const context = event.context as CanvasRenderingContext2D
    const [width = 0, height = 0] = map.getSize() ?? []
    const corners = [
      [width * edge, 0],
      [width, 0],
      [width, height],
      [width * edge, height],
    ]
    context.save()
    context.beginPath()
    for (const corner of corners) {
      const [x = 0, y = 0] = getRenderPixel(event, corner)
      context.lineTo(x, y)
    }
    context.closePath()
    context.clip()
  }

  /** Loaded when somebody wants it: drawing by hand is a tool of its own. */
  async function profileLine(colours: { line: string; halo: string }) {
    const { createProfileLine } = await import('./profileLine')
    return createProfileLine(map, colours)
  }

  fit({ animate: false })
  return { map, tiles, image, paint, fit, zoom, draw, place, go, compare, swipe, profileLine }
}

export type RasterView = ReturnType<typeof createMap>
