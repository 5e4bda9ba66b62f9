import { expect, test } from 'vitest'

import { bundleSidecars } from './sidecars'

const file = (name: string) => new File([name], name)
const names = async (...given: string[]) =>
  (await bundleSidecars(given.map(file))).map(({ name }) => name)

test('a raster and what belongs to it become one archive', async () => {
  const found = await bundleSidecars(['a.tif', 'A.TFW', 'a.tif.aux.xml', 'b.tif'].map(file))
  expect(found.map(({ name }) => name)).toEqual(['a.zip', 'b.tif'])
  const bytes = new Uint8Array(await found[0]!.arrayBuffer())
  const text = new TextDecoder('latin1').decode(bytes)
  expect(text.startsWith('PK\u0003\u0004')).toBe(true)
  for (const name of ['a.tif', 'A.TFW', 'a.tif.aux.xml']) expect(text).toContain(name)
})

test('what belongs to nothing stays, to be refused by its name', async () => {
  expect(await names('a.tif', 'c.prj')).toEqual(['a.tif', 'c.prj'])
  expect(await names('a.tif', 'b.jp2')).toEqual(['a.tif', 'b.jp2'])
  expect(await names('notes.xml', 'a.tif')).toEqual(['notes.xml', 'a.tif'])
})
