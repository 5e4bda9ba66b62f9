import { expect, test } from 'vitest'

import { parseEnv } from './env'

test('takes what the server filled in', () => {
  const block =
    '{"apiRoot": "https://api.example.org/v1/", "environment": "staging", "live": "false",' +
    ' "languages": "de,en",' +
    ' "basePath": "/river", "modules": "{\\"a\\": [1]}", "name": "A", "version": "2"}'
  expect(parseEnv(block)).toEqual({
    apiRoot: 'https://api.example.org/v1/',
    basePath: '/river',
    environment: 'staging',
    languages: ['de', 'en'],
    live: false,
    modules: { a: [1] },
    name: 'A',
    version: '2',
  })
})

test.each([
  ['no block at all', undefined],
  ['placeholders, as under the dev server', '{"apiRoot": "VITE_APP_API_ROOT_PLACEHOLDER"}'],
  ['empty values', '{"apiRoot": "", "environment": ""}'],
  ['values of another type', '{"apiRoot": 5}'],
])('falls back to development for %s', (_, block) => {
  expect(parseEnv(block)).toMatchObject({ apiRoot: '/api/v1/', environment: 'local', modules: {} })
})

test('says so when the block is not JSON', () => {
  expect(() => parseEnv('{"apiRoot": /api/}')).toThrow('#app-env')
})
