import { expect, test } from 'vitest'

import { tagOf } from './language'

test.each([
  [['en-GB', 'en'], 'en-GB'],
  [['en-US@posix'], 'en'], // Chromium under LANG=C.UTF-8
  [['de-AT', 'en'], 'en'],
  [['fr', ''], 'en'],
])('numbers and dates are written as %j says: %s', (wanted, tag) => {
  expect(tagOf('en', wanted)).toBe(tag)
  expect(() => new Intl.NumberFormat(tagOf('en', wanted))).not.toThrow()
})
