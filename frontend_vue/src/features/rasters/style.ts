import type { RasterBand, RasterResult } from './api'

export type Range = [low: number, high: number]

/** How tiles are drawn. */
export interface MapStyle {
  /** One, or red, green and blue; from 1. */
  bands: number[]
  /** Per band, the values of the first and the last colour. */
  ranges: Range[]
  /** Of a single band; "" is grey. */
  colormap: string
}

type Query = Record<string, unknown>

/** The style in which the server draws a raster when nothing is asked for. */
export function usualStyle(raster: RasterResult): MapStyle {
  const { style } = raster
  const { bands, colormap } = style
  const band = (index: number) => raster.bands[index - 1]
  const ranges = bands.map((_, index): Range => {
    const [low, high] = style.ranges[index] ?? []
    if (low !== undefined && high !== undefined) return [low, high]
    return colormap === CLASSES ? usefulRange(band(bands[index]!)) : [0, 255]
  })
  return { bands, ranges, colormap }
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
  const usual = usualStyle(raster)
  const same = (name: keyof MapStyle) => String(style[name]) === String(usual[name])
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
  const known = bands.every((index) => Number.isInteger(index) && raster.bands[index - 1])
  const style =
    known && (bands.length === 1 || bands.length === 3)
      ? withBands(raster, bands)
      : usualStyle(raster)
  const limits = numbers(query.rescale)
  const ranges = style.bands.map((_, i): Range => [limits[2 * i] ?? 0, limits[2 * i + 1] ?? 0])
  if (limits.length === 2 * ranges.length && ranges.every(([low, high]) => low < high)) {
    style.ranges = ranges
  }
  const colormap = String(query.colormap ?? '')
  const single = style.bands.length === 1 && raster.bands[style.bands[0]! - 1]
  if (
    single &&
    (Object.hasOwn(raster.colormaps, colormap) || (colormap === CLASSES && single.classes))
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
