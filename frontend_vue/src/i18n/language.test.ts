import { expect, test } from 'vitest'

import { tagOf } from './language'
import { offered } from './locales'

test.each([
  [['de'], ['de']],
  [
    ['de', 'fr', 'en'],
    ['de', 'en'],
  ],
  [['fr'], ['en', 'de']],
  [[], ['en', 'de']],
])('where the server speaks %j the page offers %j', (spoken, languages) => {
  expect(offered(spoken)).toEqual(languages)
})

test.each([
  [['en-GB', 'en'], 'en-GB'],
  [['en-US@posix'], 'en'], // Chromium under LANG=C.UTF-8
  [['de-AT', 'en'], 'en'],
  [['fr', ''], 'en'],
])('numbers and dates are written as %j says: %s', (wanted, tag) => {
  expect(tagOf('en', wanted)).toBe(tag)
  expect(() => new Intl.NumberFormat(tagOf('en', wanted))).not.toThrow()
})
