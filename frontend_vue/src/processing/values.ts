import { date, dateTime } from '@/composables/format'

import { t } from './locales'

export function title(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1).replaceAll('_', ' ')
}

/** A value for people, by its type in the API; "" when there is none. */
export function textOf(type: string, value: unknown): string {
  if (value === null || value === undefined || value === '') return ''
  if (type === 'json') return isEmpty(value) ? '' : JSON.stringify(value, null, 2)
  if (type === 'bool') return value ? t('yes') : t('no')
  if (type === 'date') return date(`${value}T00:00`)
  if (type === 'datetime') return dateTime(String(value))
  return type === 'choice' ? title(String(value)) : String(value)
}

const isEmpty = (value: unknown) =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0
