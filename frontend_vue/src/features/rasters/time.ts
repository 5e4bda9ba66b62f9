/** A time of ISO 8601 as an input of type datetime-local has it: here, to the second. */
export function localTime(time: string): string {
  const then = new Date(time)
  return new Date(then.getTime() - then.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}
