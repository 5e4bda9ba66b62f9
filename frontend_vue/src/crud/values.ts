import { textOf, title } from '@/processing/values'

import type { Choice, Field } from './types'

/** What a form holds: text for nearly everything. */
export type Value = string | boolean | string[]
export type Values = Record<string, Value>

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
    fields.map(({ name, type, initial }) => {
      const value = row ? member(row, name) : initial
      if (type === 'bool') return [name, value === true]
      if (type === 'many') return [name, [...((value as string[] | undefined) ?? [])]]
      if (type === 'json') return [name, row ? JSON.stringify(value, null, 2) : '{}']
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
      if (typeof value !== 'string' || TEXTS.has(type)) return [name, value]
      if (value.trim() === '') return [name, type === 'json' ? {} : null]
      if (type === 'json') return [name, JSON.parse(value)]
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
export function shown({ name, type, shows, choices }: Field, row: object): string {
  const value = member(row, shows ?? name)
  if (type === 'many') return ((value as string[] | undefined) ?? []).join(', ')
  const choice = choices?.map(labelled).find((each) => each.value === value)
  return choice?.label ?? textOf(type, value)
}

export function labelled(choice: string | Choice): Choice {
  return typeof choice === 'string' ? { value: choice, label: title(choice) } : choice
}

/** Why a text is no JSON, in the browser's words; "" when it is. */
export function jsonError(text: string): string {
  try {
    if (text.trim()) JSON.parse(text)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

/** Fields whose labels are messages of the same names, and those of choices "<field>.<choice>". */
export function describe<Key extends string>(
  label: (key: Key) => string,
  fields: readonly Described<Key>[],
): Field[] {
  return fields.map(({ choices, ...field }) => ({
    ...field,
    get label() {
      return label(field.name)
    },
    get choices() {
      return choices?.map((key) => ({ value: key.slice(field.name.length + 1), label: label(key) }))
    },
  }))
}

type Described<Key extends string> = Omit<Field, 'name' | 'label' | 'choices'> & {
  name: Key
  choices?: readonly Key[]
}
