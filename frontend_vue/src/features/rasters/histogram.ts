import type { RasterBand } from './api'
import type { Range } from './style'

/** How tall the bar of a count is. */
export type HistogramScale = 'sqrt' | 'log' | 'linear'

const TALL: Record<HistogramScale, (count: number, largest: number) => number> = {
  // One value that fills half of a raster, such as the sea, would otherwise flatten all others.
  sqrt: (count, largest) => Math.sqrt(count / largest),
  log: (count, largest) => Math.log1p(count) / Math.log1p(largest),
  linear: (count, largest) => count / largest,
}

/**
 * Bars of a histogram as one SVG path.
 * @param counts of classes of equal width
 * @returns "" when every count is zero
 */
export function histogramPath(
  counts: number[],
  width: number,
  height: number,
  scale: HistogramScale = 'sqrt',
): string {
  const largest = Math.max(...counts, 0)
  if (!largest) return ''
  const step = width / counts.length
  return counts
    .map((count, index) => {
      if (!count) return ''
      const tall = Math.max(1, TALL[scale](count, largest) * height)
      const x = (index * step).toFixed(2)
      return `M${x} ${height}v${(-tall).toFixed(2)}h${(step * 0.86).toFixed(2)}v${tall.toFixed(2)}z`
    })
    .join('')
}

/** Round numbers within a range, about as many as asked for. */
export function ticks([low, high]: Range, about = 4): number[] {
  const rough = (high - low) / about
  const size = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].find((one) => one * size >= 0.8 * rough)! * size
  const first = Math.ceil(low / step)
  const count = Math.floor(high / step) - first + 1
  return Array.from({ length: Math.max(0, count) }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  )
}

/** Percent that are left out at each end. */
export const STRETCHES = [0, 0.5, 1, 2, 5, 10]

/**
 * The values of a band without a share of those at each end: from the server where it has counted
 * them, else from the histogram.
 */
export function percentileRange(band: RasterBand | undefined, percent: number): Range {
  const { minimum, maximum, percentile_2: low, percentile_98: high, histogram } = band ?? {}
  if (percent === 2) return [low ?? 0, high ?? 1]
  if (!percent || !histogram) return [minimum ?? 0, maximum ?? 1]
  const total = histogram.counts.reduce((sum, count) => sum + count, 0)
  const at = (share: number) => {
    const [first = 0, last = 1] = histogram.edges
    const width = (last - first) / histogram.counts.length
    let left = share * total
    for (const [index, count] of histogram.counts.entries()) {
      if (count && left <= count) return first + (index + left / count) * width
      left -= count
    }
    return last
  }
  return [at(percent / 100), at(1 - percent / 100)]
}
