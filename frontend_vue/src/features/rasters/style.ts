import type { RasterBand, RasterResult } from './api'
import { t } from './locales'

export type Range = [low: number, high: number]

/** How tiles are drawn. */
export interface MapStyle {
  /** One, or red, green and blue; from 1. */
  bands: number[]
  /** Per band, the values of the first and the last colour. */
  ranges: Range[]
  /** Of a single band; "" is grey. */
  colormap: string
  /** Of bands as b1, b2, …; what it makes of them is drawn as one band. */
  expression?: string
  /** What is computed of a band of heights, and drawn as one band. */
  algorithm?: Algorithm
}

export type Algorithm = 'hillshade' | 'slope'

export const algorithmTitle = (algorithm: Algorithm) => t(`algorithm.${algorithm}`)

/** Ranges and colours of what is computed, unless others are asked for; the server's own. */
const COMPUTED = {
  hillshade: { range: [0, 255], colormap: 'grey' },
  slope: { range: [0, 45], colormap: 'magma' },
  expression: { range: [-1, 1], colormap: 'viridis' },
} as const satisfies Record<string, { range: Range; colormap: string }>

/** Whether a style draws something that is computed of bands, not the bands. */
export const isComputed = ({ expression, algorithm }: MapStyle) => !!(expression || algorithm)

/** The style of an expression, or of what an algorithm makes of a band. */
export function computedStyle(
  wanted: { expression: string } | { algorithm: Algorithm; band: number },
): MapStyle {
  const { range, colormap } = COMPUTED['algorithm' in wanted ? wanted.algorithm : 'expression']
  const bands = 'band' in wanted ? [wanted.band] : expressionBands(wanted.expression)
  const { band: _, ...what } = { band: 0, ...wanted }
  return { bands, ranges: [[...range]], colormap, ...what }
}

/** The bands an expression names, from 1; at least one. */
function expressionBands(expression: string): number[] {
  const found = [...expression.matchAll(/\bb(\d+)/gi)].map(([, index]) => Number(index))
  return [found[0] ?? 1]
}

/** The expression of a normalized difference, where the bands that it needs are known. */
export function vegetationIndex(bands: RasterBand[]): string {
  const of = (name: string) => bands.find((band) => band.common_name === name)?.index
  const [red, nir] = [of('red'), of('nir')]
  return red && nir ? `(b${nir}-b${red})/(b${nir}+b${red})` : ''
}

/** What the server is asked to compute; {} where it draws bands. */
export function computedQuery({ bands, expression, algorithm }: MapStyle): Record<string, string> {
  if (expression) return { expression }
  return algorithm ? { algorithm, bands: `${bands[0]}` } : {}
}

type Query = Record<string, unknown>

/** The style in which the server draws a raster when nothing is asked for. */
export function usualStyle(raster: RasterResult): MapStyle {
  const { style } = raster
  const { bands, colormap } = style
  const band = (index: number) => raster.bands[index - 1]
  const ranges = bands.map((_, index): Range => {
    const [low, high] = style.ranges[index] ?? []
    if (low !== undefined && high !== undefined) return widened([low, high])
    return colormap === CLASSES ? usefulRange(band(bands[index]!)) : [0, 255]
  })
  return { bands, ranges, colormap }
}

/** Three bands to begin with: those that are drawn usually, else that are called so, else the first. */
export function threeBands(raster: RasterResult): number[] {
  const { bands } = usualStyle(raster)
  if (bands.length === 3) return bands
  const called = ['red', 'green', 'blue'].flatMap(
    (name) => raster.bands.find(({ common_name }) => common_name === name)?.index ?? [],
  )
  const others = raster.bands.filter(({ color_interpretation: meaning }) => meaning !== 'alpha')
  return called.length === 3 ? called : others.slice(0, 3).map(({ index }) => index)
}

/** The colours of a band's classes, as a colormap. */
export const CLASSES = 'classes'

/** Where the colours of a band usefully begin and end. */
export function usefulRange(band: RasterBand | undefined): Range {
  return widened([band?.percentile_2 ?? 0, band?.percentile_98 ?? 1])
}

/** A range that has some width. */
export function widened([low, high]: Range): Range {
  return low < high ? [low, high] : [low, low + 1]
}

/**
 * Other bands of the same raster, each with its useful range.
 * @param bands one or three, from 1
 */
export function withBands(raster: RasterResult, bands: number[]): MapStyle {
  const usual = usualStyle(raster)
  if (String(bands) === String(usual.bands)) return usual
  const chosen = bands.map((index) => raster.bands[index - 1])
  const picture = bands.length > 1 && chosen[0]?.dtype === 'uint8'
  const ranges = chosen.map((band): Range => (picture ? [0, 255] : usefulRange(band)))
  return { bands, ranges, colormap: bands.length > 1 ? '' : usualColormap(chosen[0]) }
}

function usualColormap(band: RasterBand | undefined): string {
  if (band?.classes && band.color_interpretation !== 'palette') return CLASSES
  return band?.dtype === 'uint8' ? '' : 'viridis'
}

/** What the server, and the address of the page, are told; nothing for the usual style. */
export function styleQuery(raster: RasterResult, style: MapStyle): Record<string, string> {
  if (isComputed(style)) {
    const { ranges, colormap } = style
    return { ...computedQuery(style), rescale: ranges.flat().join(','), colormap }
  }
  const usual = usualStyle(raster)
  const same = (name: 'bands' | 'ranges' | 'colormap') =>
    String(style[name]) === String(usual[name])
  if (same('bands') && same('ranges') && same('colormap')) return {}
  const bands = style.bands.join(',')
  if (style.colormap === CLASSES) return { bands, colormap: CLASSES }
  const query: Record<string, string> = {
    bands,
    rescale: style.ranges.flat().join(','),
  }
  if (style.bands.length === 1) query.colormap = style.colormap || 'grey'
  return query
}

/** The style that an address asks for; what makes no sense for the raster is left out. */
export function readStyle(raster: RasterResult, query: Query): MapStyle {
  const bands = numbers(query.bands)
  const { expression, algorithm } = query
  if (typeof expression === 'string' && expression) {
    return adjusted(raster, computedStyle({ expression }), query)
  }
  if (algorithm === 'hillshade' || algorithm === 'slope') {
    const band = raster.bands[(bands[0] ?? 1) - 1] ? (bands[0] ?? 1) : 1
    return adjusted(raster, computedStyle({ algorithm, band }), query)
  }
  const known = bands.every((index) => Number.isInteger(index) && raster.bands[index - 1])
  const style =
    known && (bands.length === 1 || bands.length === 3)
      ? withBands(raster, bands)
      : usualStyle(raster)
  return adjusted(raster, style, query)
}

/** A style with the ranges and the colours that an address asks for. */
function adjusted(raster: RasterResult, style: MapStyle, query: Query): MapStyle {
  const limits = numbers(query.rescale)
  const ranges = style.bands.map((_, i): Range => [limits[2 * i] ?? 0, limits[2 * i + 1] ?? 0])
  if (limits.length === 2 * ranges.length && ranges.every(([low, high]) => low < high)) {
    style.ranges = ranges
  }
  const colormap = String(query.colormap ?? '')
  const single = style.bands.length === 1 && raster.bands[style.bands[0]! - 1]
  if (
    single &&
    (Object.hasOwn(raster.colormaps, colormap) ||
      (colormap === CLASSES && single.classes && !isComputed(style)))
  )
    style.colormap = colormap
  return style
}

function numbers(text: unknown): number[] {
  const found = typeof text === 'string' && text ? text.split(',').map(Number) : []
  return found.every(Number.isFinite) ? found : []
}

/** The address of tiles in a style. */
export function tileUrl(raster: RasterResult, style: MapStyle): string {
  const query = new URLSearchParams(styleQuery(raster, style)).toString()
  const { url_template: url } = raster.tiles
  return query ? `${url}${url.includes('?') ? '&' : '?'}${query}` : url
}
