import { number } from '@/composables/format'

import type { PointValues, RasterBand } from './api'
import { t } from './locales'
import type { MapStyle } from './style'

/** More are not shown beside the pointer. */
const FEW = 6

export interface Reading {
  name: string
  text: string
}

export const bandName = (band: RasterBand) =>
  band.description || t('band.number', { number: band.index })

/** A value with what it means: the name of its class, or the measurement with its unit. */
export function valueText(band: RasterBand, value: PointValues['values'][number]): string {
  if (value === null) return '–'
  if (typeof value !== 'number') return value
  const found = band.classes?.find((one) => one.value === value)
  if (found) return found.name ? `${value} ${found.name}` : `${value}`
  const { scale = 1, offset = 0, unit } = band
  // What is stored as it is, is not multiplied: 0.1 stays 0.1.
  const physical = scale === 1 && offset === 0 ? value : value * scale + offset
  return unit ? `${number(physical)}\u202f${unit}` : number(physical)
}

/** What a place has, by the names of the bands; [] where it has nothing. */
export function readings(
  bands: RasterBand[],
  values: PointValues['values'],
  style: MapStyle,
): Reading[] {
  const meant = bands.filter(({ color_interpretation: meaning }) => meaning !== 'alpha')
  const shown =
    meant.length > FEW ? meant.filter(({ index }) => style.bands.includes(index)) : meant
  if (shown.every(({ index }) => (values[index - 1] ?? null) === null)) return []
  return shown.map((band) => ({
    name: bandName(band),
    text: valueText(band, values[band.index - 1] ?? null),
  }))
}
