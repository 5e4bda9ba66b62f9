import { expect, test } from 'vitest'

import { env } from '@/env'

import { safeNext } from './session'

test.each(['/', '/files', '/files/1?page=2#map'])('goes on to %s', (next) => {
  expect(safeNext(next)).toBe(next)
})

test.each([
  ['another host', '//evil.example'],
  ['another host for browsers that swap slashes', '/\\evil.example'],
  ['a full address', 'https://evil.example/'],
  ['a script', 'javascript:alert(1)'],
  ['a relative path', 'files'],
  ['nothing', ''],
  ['two values', ['/a', '/b']],
  ['no value', undefined],
])('does not follow %s', (_, next) => {
  expect(safeNext(next)).toBe('/')
})

test('takes off the base that the server puts before a path', () => {
  env.basePath = '/river'
  expect(safeNext('/river/admin/?q=1')).toBe('/admin/?q=1')
  expect(safeNext('/files')).toBe('/files')
  expect(safeNext('/river//evil.example')).toBe('/')
  env.basePath = ''
})
