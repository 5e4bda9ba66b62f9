import { isStretched, type Layer } from './layers'
import type { Painting } from './numericTile'
import { CLASSES, computedQuery, isComputed, styleQuery } from './style'

/** What draws a layer from numbers. */
export interface Numbers {
  /** Of its tiles, whatever their stretch and colours. */
  address: string
  painting: Painting
}

/** Of 32 bits 24 are digits: 256 levels are told apart down to this part of a value. */
const NARROW = 2 ** -14

/**
 * How the page itself colours a layer, so that another stretch asks the server for nothing.
 * @returns null where the server draws it: in its usual look, by classes, or where the browser can't
 */
export function numbersOf(layer: Layer): Numbers | null {
  const { raster, style } = layer
  const { ranges, colormap, bands } = style
  const isUsual = !Object.keys(styleQuery(raster, style)).length
  if (isUsual || !isStretched(layer) || colormap === CLASSES) return null
  if (typeof DecompressionStream === 'undefined') return null
  if (ranges.some(([low, high]) => high - low < NARROW * Math.max(Math.abs(low), Math.abs(high))))
    return null
  const colours = raster.colormaps[colormap || 'grey'] ?? []
  if (bands.length === 1 && colours.length < 2) return null
  const what = isComputed(style) ? computedQuery(style) : { bands: bands.join(',') }
  const query = new URLSearchParams({ ...what, format: 'numbers' })
  const { url_template: url } = raster.tiles
  return {
    address: `${url}${url.includes('?') ? '&' : '?'}${query}`,
    painting: { ranges, colours },
  }
}
