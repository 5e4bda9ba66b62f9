import { date, dateTime } from '@/composables/format'

import { t } from './locales'
import type { Field } from './types'

/** What a form holds: text for everything but a checkbox. */
export type Values = Record<string, string | boolean>

export function title(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1).replaceAll('_', ' ')
}

/** A moment as a browser's own field wants it: local time; seconds only where there are some. */
function toLocal(time: string): string {
  const moment = new Date(time)
  const local = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000)
  return local.toISOString().replace(/(:00)?(\.000)?Z$/, '')
}

export function member(row: object | undefined, name: string): unknown {
  return row && (row as Record<string, unknown>)[name]
}

/** A row as a form begins with it; an empty form without one. */
export function toValues(fields: readonly Field[], row?: object): Values {
  return Object.fromEntries(
    fields.map(({ name, type }) => {
      const value = member(row, name)
      if (type === 'bool') return [name, value === true]
      if (value === null || value === undefined) return [name, '']
      return [name, type === 'datetime' ? toLocal(String(value)) : String(value)]
    }),
  )
}

const TEXTS = new Set(['string', 'text', 'slug', 'url', 'email', 'choice'])

/** What the form holds as the API wants it. */
export function fromValues(fields: readonly Field[], values: Values): Record<string, unknown> {
  return Object.fromEntries(
    fields.map(({ name, type }) => {
      const value = values[name]!
      if (typeof value === 'boolean' || TEXTS.has(type)) return [name, value]
      if (value === '') return [name, null]
      if (type === 'int' || type === 'float') return [name, Number(value)]
      return [name, type === 'datetime' ? new Date(value).toISOString() : value]
    }),
  )
}

/** What the form holds as fields of an upload; what is empty is left out. */
export function toFormFields(fields: readonly Field[], values: Values): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fromValues(fields, values))
      .filter(([, value]) => value !== '' && value !== null)
      .map(([name, value]) => [name, String(value)]),
  )
}

/** A value for people; "" when there is none. */
export function shown({ name, type, shows }: Field, row: object): string {
  const value = member(row, shows ?? name)
  if (value === null || value === undefined || value === '') return ''
  if (type === 'bool') return value ? t('yes') : t('no')
  if (type === 'date') return date(`${value}T00:00`)
  if (type === 'datetime') return dateTime(String(value))
  return type === 'choice' ? title(String(value)) : String(value)
}
