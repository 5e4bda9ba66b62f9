/** Of the newest second, beside all before it. */
const WEIGHT = 0.2

/**
 * Measures how fast something grows: `pace(amount so far, milliseconds)` gives the amount a second,
 * smoothed, or 0 while nobody can say.
 */
export function createPace() {
  let before: { amount: number; at: number } | null = null
  let speed = 0

  return function pace(amount: number, at: number): number {
    if (before && amount >= before.amount && at > before.at) {
      const now = ((amount - before.amount) * 1000) / (at - before.at)
      speed = speed ? speed + WEIGHT * (now - speed) : now
    } else {
      speed = 0
    }
    before = { amount, at }
    return speed
  }
}
