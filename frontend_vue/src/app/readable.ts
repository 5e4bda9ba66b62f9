import { formatNumber } from '@/i18n/catalogue'

/** More of a text is in the answer of the API. */
const LONGEST = 2000

/** A value of a result as a field shows it: what is no plain value becomes a text. */
export function readable(value: unknown): unknown {
  if (typeof value === 'number') return formatNumber(value)
  if (Array.isArray(value) && value.every((each) => typeof each !== 'object' || each === null))
    return shorten(value.map((each) => String(readable(each))).join(', '))
  if (typeof value === 'object' && value !== null) return shorten(JSON.stringify(value, null, 2))
  return typeof value === 'string' ? shorten(value) : value
}

function shorten(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text
}
