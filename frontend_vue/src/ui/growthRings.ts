/**
 * Closed paths like the rings of a trunk, or the contour lines of a hill.
 * @param count number of rings, from the inside out
 * @param size the drawing is centred in a square of this side
 * @returns one SVG path description for each ring
 */
export function growthRings(count: number, size: number): string[] {
  const centre = size / 2
  return [...Array(count).keys()].map((ring) => {
    const radius = (centre * (ring + 1)) / count
    const points = [...Array(72).keys()].map((step) => {
      const angle = (step / 72) * 2 * Math.PI
      // A few slow waves whose phase drifts from ring to ring: neighbours are alike, none is equal.
      const wobble =
        0.07 * Math.sin(2 * angle + ring * 0.07) +
        0.045 * Math.sin(3 * angle - ring * 0.16 + 1) +
        0.025 * Math.sin(5 * angle + ring * 0.23 + 2)
      const distance = radius * (1 + wobble)
      const x = centre + distance * Math.cos(angle)
      const y = centre + distance * Math.sin(angle)
      return `${x.toFixed(1)} ${y.toFixed(1)}`
    })
    return `M${points.join('L')}Z`
  })
}
