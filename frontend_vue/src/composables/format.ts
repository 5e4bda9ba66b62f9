/** Numbers, sizes and times as people read them. All functions are pure. */

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB']

/** 12_345_678 -> "12.3 MB", in decimal units, as file managers and storage bills count. */
export function bytes(count: number): string {
  let value = count
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
  return `${value.toFixed(digits)} ${UNITS[unit]}`
}

/** Milliseconds -> "4 s", "3 min 20 s", "2 h 5 min". */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return join(minutes, 'min', seconds % 60, 's')
  return join(Math.floor(minutes / 60), 'h', minutes % 60, 'min')
}

function join(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small ? `${large} ${largeUnit} ${small} ${smallUnit}` : `${large} ${largeUnit}`
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
]

/** "just now", "3 minutes ago", "yesterday"; a date when it is longer than a week ago. */
export function ago(time: string, now: number): string {
  const then = Date.parse(time)
  const past = now - then
  if (past < 45_000) return 'just now'
  if (past > 7 * 86_400_000) return date(time)
  for (const [unit, length] of STEPS) {
    if (past >= length) return relative.format(-Math.floor(past / length), unit)
  }
  return 'a minute ago'
}

export function date(time: string): string {
  return new Date(time).toLocaleDateString('en', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
  })
}

export function dateTime(time: string): string {
  return new Date(time).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' })
}

/** Four significant digits, thin spaces for thousands: 1234567 -> "1 234 567", 0.123456 -> "0.1235". */
export function number(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return grouped(value, 0)
  const size = Math.abs(value)
  if (size >= 1e9 || (size < 1e-4 && size > 0)) return value.toExponential(3)
  return size >= 1000 ? grouped(value, 1) : String(Number(value.toPrecision(4)))
}

function grouped(value: number, digits: number): string {
  const text = value.toLocaleString('en', { maximumFractionDigits: digits })
  return text.replaceAll(',', '\u202f')
}

/** A latitude or longitude in degrees -> "47.3769° N". */
export function degrees(value: number, axis: 'latitude' | 'longitude'): string {
  const [positive, negative] = axis === 'latitude' ? ['N', 'S'] : ['E', 'W']
  return `${Math.abs(value).toFixed(4)}°\u00a0${value < 0 ? negative : positive}`
}
