import { fixed, number } from '@/composables/format'
import { formatNumber } from '@/i18n/catalogue'

/** A value along a line; null where the raster has none. */
export type Sample = number | null

/** What the API answers, as numbers to draw: NaN and infinities have no place in a chart. */
export function samples(values: (number | string | null)[]): Sample[] {
  return values.map((value) => {
    const drawn = value === null ? NaN : Number(value) // "9007199254740993" is a little rounded
    return Number.isFinite(drawn) ? drawn : null
  })
}

/** Lowest and highest value, a little apart when they are the same; null without any value. */
export function extremes(values: Sample[]): [number, number] | null {
  const found = values.filter((value) => value !== null)
  if (!found.length) return null
  const [low, high] = [Math.min(...found), Math.max(...found)]
  return low < high ? [low, high] : [low - 1, high + 1]
}

/** An SVG path of values at equal distances, interrupted where there are none. */
export function linePath(values: Sample[], width: number, height: number): string {
  const range = extremes(values)
  if (!range) return ''
  const [low, high] = range
  const step = width / Math.max(1, values.length - 1)
  let pen = 'M'
  return values
    .map((value, index) => {
      if (value === null) {
        pen = 'M'
        return ''
      }
      const y = height - ((value - low) / (high - low)) * height
      const part = `${pen}${(index * step).toFixed(1)} ${y.toFixed(1)}`
      pen = 'L'
      return part
    })
    .join('')
}

/** Where a pointer is across a box: 0 at its left edge, 1 at its right one, and within the two. */
export function shareAcross(box: { left: number; width: number }, { clientX }: PointerEvent) {
  return Math.min(1, Math.max(0, (clientX - box.left) / box.width))
}

/** Metres -> "840 m", "12.4 km". */
export function distance(metres: number): string {
  if (metres < 1000) return `${Math.round(metres)} m`
  return `${formatNumber(metres / 1000, { maximumFractionDigits: metres < 1e5 ? 1 : 0 })} km`
}

/** Square metres -> "840 m²", "12.4 ha", "3.1 km²". */
export function area(squareMetres: number): string {
  const [unit, size] =
    squareMetres < 1e4 ? ['m²', 1] : squareMetres < 1e6 ? ['ha', 1e4] : ['km²', 1e6]
  return `${number(Number((squareMetres / (size as number)).toPrecision(3)))}\u202f${unit}`
}

/** 0.1234 -> "12.3 %". */
export function percent(share: number): string {
  const hundredth = share * 100
  return `${hundredth > 0 && hundredth < 0.1 ? `< ${fixed(0.1, 1)}` : fixed(hundredth, 1)}\u202f%`
}

/** A profile as CSV: distance, place and value of each sample; empty where there is no value. */
export function profileTable(
  places: { metres: number; place: number[] }[],
  values: Sample[],
  name: string,
  unit: string,
): string {
  const title = unit ? `${name} (${unit})` : name
  const quoted = /[",\n\r]/.test(title) ? `"${title.replaceAll('"', '""')}"` : title
  const rows = places.map(({ metres, place: [x = 0, y = 0] }, index) =>
    [metres.toFixed(2), x.toFixed(7), y.toFixed(7), values[index] ?? ''].join(','),
  )
  return [`distance_m,longitude,latitude,${quoted}`, ...rows, ''].join('\r\n')
}
