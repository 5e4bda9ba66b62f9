import { expect, test } from 'vitest'

import { setTitle, titlePrefix } from './title'

test('the title is of the page, with the app and what is before it', () => {
  setTitle('40 %', undefined, 'dunes')
  expect(document.title).toBe('40 % · dunes · Development')
  titlePrefix.value = '(3) '
  expect(document.title).toBe('(3) 40 % · dunes · Development')
  setTitle(undefined)
  expect(document.title).toBe('(3) Development')
  titlePrefix.value = ''
  expect(document.title).toBe('Development')
})
