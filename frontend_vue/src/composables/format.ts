/**
 * Numbers, sizes and times as people read them, in the language of the page: to be called when they
 * are shown. Units are symbols, which are the same in every language.
 */
import { formatNumber } from '@/i18n/catalogue'
import { formatter } from '@/i18n/language'

import { t } from './locales/first'

const UNITS = ['', 'kB', 'MB', 'GB', 'TB']

/** 12_345_678 -> "12.3 MB", in decimal units, as file managers and storage bills count. */
export function bytes(count: number): string {
  let value = count
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  if (unit === 0) return t('bytes', { n: value })
  const digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
  return `${fixed(value, digits)} ${UNITS[unit]}`
}

/** A number with so many digits after the decimal sign. */
export function fixed(value: number, digits: number): string {
  return formatNumber(value, { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** Milliseconds -> "4 s", "3 min 20 s", "2 h 5 min". */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  if (milliseconds > 0 && !seconds) return '< 1 s'
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return join(minutes, 'min', seconds % 60, 's')
  return join(Math.floor(minutes / 60), 'h', minutes % 60, 'min')
}

function join(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small ? `${large} ${largeUnit} ${small} ${smallUnit}` : `${large} ${largeUnit}`
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
]

/** "just now", "3 minutes ago", "yesterday"; a date when it is longer than a week ago. */
export function ago(time: string, now: number): string {
  const then = Date.parse(time)
  const past = now - then
  if (past < 45_000) return t('justNow')
  if (past > 7 * 86_400_000) return date(time)
  const relative = formatter(Intl.RelativeTimeFormat, { numeric: 'auto' })
  for (const [unit, length] of STEPS) {
    if (past >= length) return relative.format(-Math.floor(past / length), unit)
  }
  return t('minuteAgo')
}

export function date(time: string): string {
  const parts = { day: 'numeric', month: 'short', year: 'numeric' } as const
  return formatter(Intl.DateTimeFormat, parts).format(new Date(time))
}

export function dateTime(time: string): string {
  const styles = { dateStyle: 'medium', timeStyle: 'short' } as const
  return formatter(Intl.DateTimeFormat, styles).format(new Date(time))
}

/** Four significant digits, thin spaces for thousands: 1234567 -> "1 234 567", 0.123456 -> "0.1235". */
export function number(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return formatNumber(value)
  const size = Math.abs(value)
  if (size >= 1e9 || (size < 1e-4 && size > 0)) {
    const [digits, exponent] = value.toExponential(3).split('e')
    return `${fixed(Number(digits), 3)}e${exponent}`
  }
  if (size >= 1000) return formatNumber(value, { maximumFractionDigits: 1 })
  return formatNumber(value, { maximumSignificantDigits: 4 })
}

/** A latitude or longitude in degrees -> "47.3769° N". */
export function degrees(value: number, axis: 'latitude' | 'longitude'): string {
  const north = axis === 'latitude'
  const side = value < 0 ? (north ? 'south' : 'west') : north ? 'north' : 'east'
  return `${fixed(Math.abs(value), 4)}°\u00a0${t(side)}`
}
