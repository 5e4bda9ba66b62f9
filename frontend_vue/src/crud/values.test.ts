import { expect, test } from 'vitest'

import type { Field } from './types'
import { fromValues, shown, toFormFields, toValues } from './values'

const field = (name: string, type: Field['type'], shows?: string): Field => ({
  name,
  label: name,
  type,
  shows,
})
const FIELDS = [
  field('title', 'string'),
  field('price', 'decimal'),
  field('count', 'int'),
  field('at', 'datetime'),
  field('done', 'bool'),
  field('group', 'ref', 'group_name'),
]
const ROW = {
  title: 'Chair',
  price: '12.50',
  count: 3,
  at: '2026-03-01T08:00:00.000Z',
  done: true,
  group: '7',
  group_name: 'Furniture',
}

test.each(['08:00:00.000', '08:00:05.000', '08:00:00.120'])(
  'a row that is only opened and saved stays what it was: %s',
  (time) => {
    const { group_name: _, ...own } = { ...ROW, at: `2026-03-01T${time}Z` }
    expect(fromValues(FIELDS, toValues(FIELDS, own))).toEqual(own)
  },
)

test('what is left empty is empty text, or nothing', () => {
  expect(fromValues(FIELDS, toValues(FIELDS))).toEqual({
    title: '',
    price: null,
    count: null,
    at: null,
    done: false,
    group: null,
  })
})

test('a moment is typed in local time', () => {
  const typed = toValues(FIELDS, ROW).at
  expect(new Date(String(typed)).getTime()).toBe(Date.parse(ROW.at))
})

test('a form sends what was filled in, as text', () => {
  const values = { ...toValues(FIELDS), title: 'a', count: '3', at: '2026-03-01T09:30' }
  expect(toFormFields(FIELDS, values)).toEqual({
    title: 'a',
    count: '3',
    at: new Date('2026-03-01T09:30').toISOString(),
    done: 'false',
  })
})

test.each([
  [field('group', 'ref', 'group_name'), 'Furniture'],
  [field('price', 'decimal'), '12.50'],
  [field('done', 'bool'), 'Yes'],
  [field('absent', 'date'), ''],
])('a value for people: %o', (one, text) => {
  expect(shown(one, ROW)).toBe(text)
})
