import { expect, test } from 'vitest'

import { type Basemap, findBasemap, readBasemap } from './basemaps'

const among: Basemap[] = [{ name: 'Streets', url: '/t', attribution: '© A', kind: 'xyz' }]

test('an address names a basemap that there is, or what there is without one', () => {
  expect(readBasemap('Streets', among)).toBe('Streets')
  expect(readBasemap('none', among)).toBe('none')
  expect(readBasemap('Gone', among)).toBe('')
  expect(readBasemap(undefined, among)).toBe('')
  expect(readBasemap(['Streets'], among)).toBe('')
})

test('what is there without one is no basemap', () => {
  expect(findBasemap('Streets', among)).toBe(among[0])
  expect(findBasemap('', among)).toBeUndefined()
})
