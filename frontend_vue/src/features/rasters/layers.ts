import type { RasterResult } from './api'
import {
  CLASSES,
  isComputed,
  type MapStyle,
  type Range,
  readStyle,
  styleQuery,
  usefulRange,
} from './style'
import { readOpacity } from './view'

/** How a layer is mixed with what is below it; the names are those of CSS. */
export const BLENDS = ['normal', 'multiply', 'screen', 'overlay', 'darken', 'lighten'] as const
export type Blend = (typeof BLENDS)[number]

/** A raster on the map. Lists of them begin with the lowest. */
export interface Layer {
  /** Of the layer, as long as the page lives: a raster may be shown twice. */
  key: string
  raster: RasterResult
  /** What opens the raster: an id, or the token of a share; "" is the raster of the page. */
  source: string
  style: MapStyle
  /** Percent. */
  opacity: number
  visible: boolean
  blend: Blend
}

/** A layer as the address has it, before its raster is loaded. */
export interface LayerQuery {
  source: string
  query: Query
}

type Query = Record<string, unknown>

let count = 0

/** A layer of a raster, as a query describes it. */
export function makeLayer(raster: RasterResult, source: string, query: Query = {}): Layer {
  return {
    key: `layer-${(count += 1)}`,
    raster,
    source,
    style: readStyle(raster, query),
    opacity: readOpacity(query.opacity),
    visible: query.hidden !== '1',
    blend: BLENDS.find((blend) => blend === query.blend) ?? 'normal',
  }
}

/** The same layer of a raster that was described anew; the usual look stays the usual one. */
export const withRaster = (layer: Layer, raster: RasterResult): Layer => ({
  ...layer,
  raster,
  style: readStyle(raster, styleQuery(layer.raster, layer.style)),
})

function layerQuery({ raster, style, opacity, visible, blend }: Layer): Record<string, string> {
  return {
    ...styleQuery(raster, style),
    ...(opacity < 100 && { opacity: `${opacity}` }),
    ...(blend !== 'normal' && { blend }),
    ...(!visible && { hidden: '1' }),
  }
}

/** What the address says of layers; the page's own raster is described by the address itself. */
export function writeLayers(layers: Layer[]): Record<string, string | string[]> {
  const own = layers.findIndex(({ source }) => !source)
  const others = layers
    .filter(({ source }) => source)
    .map((layer) => `${new URLSearchParams({ id: layer.source, ...layerQuery(layer) })}`)
  return {
    ...layerQuery(layers[own]!),
    ...(others.length && { layer: others }),
    ...(own > 0 && { order: `${own}` }),
  }
}

/** The other layers that an address names, the lowest first, and how many of them are below. */
export function readLayers(query: Query): { others: LayerQuery[]; below: number } {
  const others = [query.layer].flat().flatMap((text) => {
    const found = Object.fromEntries(new URLSearchParams(typeof text === 'string' ? text : ''))
    return found.id ? [{ source: found.id, query: found }] : []
  })
  // Addresses of earlier releases name one other raster.
  const { compare } = query
  if (typeof compare === 'string' && compare) others.push({ source: compare, query: {} })
  const below = Math.min(others.length, Math.max(0, Number(query.order) || 0))
  return { others, below }
}

/**
 * The query of an address with its layers opened by something else, such as tokens of shares.
 * @param sources what opens each by what has opened it; layers without one are left out
 */
export function withSources(query: Query, sources: Map<string, string>): URLSearchParams {
  const { layer: _layer, compare: _compare, ...rest } = query
  const found = new URLSearchParams()
  for (const [name, value] of Object.entries(rest))
    if (typeof value === 'string') found.set(name, value)
  for (const { source, query: look } of readLayers(query).others) {
    const opened = sources.get(source)
    if (opened)
      found.append(
        'layer',
        `${new URLSearchParams({ ...(look as Record<string, string>), id: opened })}`,
      )
  }
  const swipe = readSwipe(query)
  if (swipe !== null) found.set('swipe', `${swipe}`)
  return found
}

/** Percent of the map's width, null when sides are not compared. */
export function readSwipe(query: Query): number | null {
  if (query.compare) return 50
  const percent = query.swipe ? Number(query.swipe) : NaN
  return percent >= 0 && percent <= 100 ? percent : null
}

/** As people read lists of layers. */
export const highestFirst = <Item>(items: Item[]): Item[] =>
  items.map((_, index) => items[items.length - 1 - index]!)

/** The two that are compared: of the visible ones, those on top. */
export function swipeSides(layers: Layer[]): { left?: Layer; right?: Layer } {
  const [right, left] = highestFirst(layers.filter(({ visible }) => visible))
  return left ? { left, right } : {}
}

/** A layer moved up (1) or down (-1) by one place. */
export function moveLayer(layers: Layer[], key: string, step: 1 | -1): Layer[] {
  const from = layers.findIndex((layer) => layer.key === key)
  const to = from + step
  if (from < 0 || to < 0 || to >= layers.length) return layers
  const moved = [...layers]
  const [layer] = moved.splice(from, 1)
  moved.splice(to, 0, layer!)
  return moved
}

/** Whether the colours of a layer are spread between two values. */
export function isStretched({ raster, style }: Layer): boolean {
  if (isComputed(style)) return true
  if (style.colormap === CLASSES) return false
  return raster.bands[style.bands[0]! - 1]?.color_interpretation !== 'palette'
}

const alike = (one: Layer, other: Layer) =>
  isStretched(one) &&
  isStretched(other) &&
  String(what(one)) === String(what(other)) &&
  one.style.bands.length === other.style.bands.length

/** What is computed: an index is not stretched as its bands are. */
const what = ({ style: { expression, algorithm } }: Layer) => [expression, algorithm]

/** All layers that can be with the ranges and colours of one of them. */
export function stretchLike(layers: Layer[], model: Layer): Layer[] {
  const { ranges, colormap } = model.style
  return layers.map((layer) =>
    alike(layer, model) ? { ...layer, style: { ...layer.style, ranges, colormap } } : layer,
  )
}

/** All layers that can be with one stretch, which reaches over the useful values of each. */
export function stretchTogether(layers: Layer[], model: Layer): Layer[] {
  const found = layers.filter((layer) => alike(layer, model))
  const ranges = model.style.ranges.map((_, channel): Range => {
    const each = found.map(({ raster, style }) =>
      isComputed(style)
        ? style.ranges[channel]!
        : usefulRange(raster.bands[style.bands[channel]! - 1]),
    )
    return [Math.min(...each.map(([low]) => low)), Math.max(...each.map(([, high]) => high))]
  })
  return stretchLike(layers, { ...model, style: { ...model.style, ranges } })
}
