/**
 * Bars of a histogram as one SVG path.
 * The heights are square roots of the counts: one value that fills half of a raster, such as the
 * sea, would otherwise flatten all others to nothing.
 * @param counts of classes of equal width
 * @returns "" when every count is zero
 */
export function histogramPath(counts: number[], width: number, height: number): string {
  const largest = Math.max(...counts, 0)
  if (!largest) return ''
  const step = width / counts.length
  return counts
    .map((count, index) => {
      if (!count) return ''
      const tall = Math.max(1, Math.sqrt(count / largest) * height)
      const x = (index * step).toFixed(2)
      return `M${x} ${height}v${(-tall).toFixed(2)}h${(step * 0.86).toFixed(2)}v${tall.toFixed(2)}z`
    })
    .join('')
}
