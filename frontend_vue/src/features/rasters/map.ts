import ScaleLine from 'ol/control/ScaleLine'
import { getCenter, getHeight, getWidth } from 'ol/extent'
import Feature from 'ol/Feature'
import MultiPolygon from 'ol/geom/MultiPolygon'
import Point from 'ol/geom/Point'
import { fromExtent } from 'ol/geom/Polygon'
import { defaults as defaultInteractions } from 'ol/interaction/defaults'
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
import Style from 'ol/style/Style'
import View from 'ol/View'

import type { RasterResult } from './api'
import { createBackdrop } from './backdrop'
import type { Blend } from './layers'
import { mapExtent, outlineRings } from './extent'
import { cachedTiles, loadTile } from './loadTile'
import type { Numbers } from './numbers'
import type { Painting } from './numericTile'
import type { Place } from './view'
import { createWorld, type Look, stroke } from './world'

export type { Look }

/** A layer as the map draws it; lists of them begin with the lowest. */
export interface DrawnLayer {
  key: string
  /** Of its tiles, with their style. */
  address: string
  /** What it is painted from by the page itself, if it is. */
  numbers: Numbers | null
  maxZoom: number
  visible: boolean
  /** Percent. */
  opacity: number
  blend: Blend
  /** Whether its pixels are mixed when they are enlarged; between two classes there is none. */
  smooth: boolean
  /** The part of a map with two sides that it is shown on; both when left out. */
  side?: 'left' | 'right'
}

/** How far the tiles of all layers are. */
export interface Loading {
  pending: number
  failed: number
  /** Why the basemap cannot be loaded; "" when it can. */
  basemap: string
}

interface Shown {
  layer: TileLayer
  source: XYZ
  blend: Blend
  side: DrawnLayer['side']
  painting: Painting | undefined
  /** Addresses of tiles that could not be loaded. */
  failed: Set<string>
}

/** A raster that is smaller on the screen is shown as a dot. */
const DOT_PIXELS = 12

// Orders of layers: land and graticule or a basemap, rasters, names, outlines and drawings.
const LAND = 0
const RASTERS = 1
const NAMES = 999
const ABOVE = 1000

const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches
const duration = () => (calm() ? 0 : 250)

/**
 * A map of rasters over the countries of the world, or over a basemap.
 * @param target where it is drawn; its size is followed
 * @param raster the one that is outlined, and shown first
 * @param loading is told how far the tiles are
 * @returns the map, and what the page does to it
 */
export function createMap(
  target: HTMLElement,
  raster: RasterResult,
  loading: (state: Loading) => void = () => {},
) {
  const extent = transformExtent(mapExtent(raster.bounds), 'EPSG:4326', 'EPSG:3857')
  const { maxzoom: maxZoom } = raster.tiles

  const rings = outlineRings(raster.footprint)
  const geometry = rings.length
    ? new MultiPolygon(rings).transform('EPSG:4326', 'EPSG:3857')
    : fromExtent(extent)
  const outline = new VectorLayer({
    source: new VectorSource({ features: [new Feature(geometry)] }),
    zIndex: ABOVE,
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
    layers: [outline],
    controls: [new ScaleLine()],
    interactions: defaultInteractions(), // OpenLayers' own choice waits for a click
  })

  const world = createWorld(map, { land: LAND, names: NAMES })

  function paint(look: Look) {
    world.paint(look)
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

  function place(): Place {
    const [longitude = 0, latitude = 0] = toLonLat(view.getCenter() ?? [0, 0])
    return { zoom: view.getZoom() ?? 0, latitude, longitude }
  }

  function go({ zoom: level, latitude, longitude }: Place) {
    view.setCenter(fromLonLat([longitude, latitude]))
    view.setZoom(level)
  }

  const shown = new Map<string, Shown>()
  let pending = 0
  let problem = ''
  let edge = 0.5

  function report() {
    const failed = [...shown.values()].reduce((sum, one) => sum + one.failed.size, 0)
    loading({ pending, failed, basemap: problem })
  }

  const backdrop = createBackdrop(map, LAND, (why) => {
    problem = why
    report()
  })

  /** @param name of a basemap, or of what there is without one */
  function lay(name: string) {
    const isBasemap = backdrop.choose(name)
    world.show(isBasemap ? 'none' : name)
  }

  function add({ key, address, numbers, maxZoom: deepest, blend, smooth }: DrawnLayer): Shown {
    const failed = new Set<string>()
    const source = new XYZ({
      url: numbers?.address ?? address,
      maxZoom: deepest,
      interpolate: smooth,
      transition: calm() ? 0 : 200,
      async tileLoadFunction(tile, url) {
        pending += 1
        report()
        if (await loadTile(tile, url, () => one.painting)) failed.delete(url)
        else failed.add(url)
        pending -= 1
        report()
      },
    })
    // A canvas of its own, which CSS blends with what is below.
    const layer = new TileLayer({
      source,
      className: `ol-layer raster-layer blend-${blend}`,
      cacheSize: cachedTiles(screen.width, screen.height), // phones end a tab that takes too much
    })
    const one: Shown = {
      layer,
      source,
      blend,
      side: undefined,
      painting: numbers?.painting,
      failed,
    }
    layer.on('prerender', (event) => cut(event, one.side))
    layer.on('postrender', ({ context }) => (context as CanvasRenderingContext2D).restore())
    map.addLayer(layer)
    shown.set(key, one)
    return one
  }

  function drop(key: string) {
    const one = shown.get(key)
    if (one) map.removeLayer(one.layer)
    shown.delete(key)
  }

  /** Draws these layers and no others. */
  function show(layers: DrawnLayer[]) {
    for (const key of shown.keys()) if (!layers.some((layer) => layer.key === key)) drop(key)
    layers.forEach((wanted, index) => {
      let one = shown.get(wanted.key)
      if (one && one.blend !== wanted.blend) drop(wanted.key)
      one = shown.get(wanted.key) ?? add(wanted)
      const address = wanted.numbers?.address ?? wanted.address
      one.painting = wanted.numbers?.painting ?? one.painting
      if (one.source.getUrls()?.[0] !== address) {
        one.failed.clear()
        one.source.setUrl(address)
      }
      one.side = wanted.side
      one.layer.setVisible(wanted.visible)
      one.layer.setOpacity(wanted.opacity / 100)
      one.layer.setZIndex(RASTERS + index)
    })
    report()
    map.render()
  }

  /** Asks once more for tiles that could not be loaded. */
  function retry() {
    if (problem) backdrop.retry()
    for (const { failed, source } of shown.values()) {
      if (!failed.size) continue
      failed.clear()
      source.refresh()
    }
    report()
  }

  /** @param fraction of the map's width that is its left side */
  function swipe(fraction: number) {
    edge = fraction
    map.render()
  }

  /** Confines what is drawn next to one side of the map; `restore` ends that. */
  function cut(event: RenderEvent, side: DrawnLayer['side']) {
    const context = event.context as CanvasRenderingContext2D
    context.save()
    if (!side) return
    const [width = 0, height = 0] = map.getSize() ?? []
    const [from, to] = side === 'left' ? [0, width * edge] : [width * edge, width]
    const corners = [
      [from, 0],
      [to, 0],
      [to, height],
      [from, height],
    ]
    context.beginPath()
    for (const corner of corners) {
      const [x = 0, y = 0] = getRenderPixel(event, corner)
      context.lineTo(x, y)
    }
    context.closePath()
    context.clip()
  }

  /** Loaded when somebody wants it: drawing by hand is a tool of its own. */
  async function drawing(colours: { line: string; halo: string }) {
    const { createDrawing } = await import('./drawing')
    return createDrawing(map, ABOVE, colours)
  }

  fit({ animate: false })
  return { map, paint, fit, zoom, place, go, show, lay, retry, swipe, drawing }
}

export type RasterView = ReturnType<typeof createMap>
