/** Before these a guess would be a wild one: percent, milliseconds. */
const LEAST_PROGRESS = 10
const LEAST_ELAPSED = 3000
/** Of the newest guess, beside all before it. */
const WEIGHT = 0.3
/** So many times longer than expected at this point: the bar stands still. */
const LATE = 2

/**
 * Guesses how long a job still takes. Tell it each time something may have changed:
 * `left(attempt, progress in percent, milliseconds since the attempt began)`
 * gives milliseconds, or null when there is no honest answer.
 */
export function createEstimate() {
  let attempt = 0
  let seen = 0
  let total: number | null = null

  return function left(number: number, progress: number, elapsed: number): number | null {
    if (number !== attempt) {
      attempt = number
      seen = 0
      total = null
    }
    if (progress < LEAST_PROGRESS || elapsed < LEAST_ELAPSED) return null
    if (progress !== seen) {
      const guess = (elapsed / progress) * 100
      total = total === null ? guess : total + WEIGHT * (guess - total)
      seen = progress
    }
    if (total === null || elapsed >= total) return null
    return elapsed > LATE * total * (progress / 100) ? null : total - elapsed
  }
}
