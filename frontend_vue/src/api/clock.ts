/** The Date header has whole seconds and is as old as the answer was long under way. */
const TOLERANCE = 2000

let ahead = 0

/** Learns how far the server's clock is ahead of this one, from the Date header of an answer. */
export function setClock(date: string | null): void {
  const difference = Date.parse(date ?? '') - Date.now()
  // Only a real difference: a clock that jumps with each answer would be worse.
  if (Math.abs(difference - ahead) > TOLERANCE) {
    ahead = Math.abs(difference) > TOLERANCE ? difference : 0
  }
}

/**
 * The server's time in milliseconds. The times of requests are the server's; a clock of a visitor
 * that is wrong by minutes would make nonsense of "running for" and "left".
 */
export function serverNow(): number {
  return Date.now() + ahead
}
