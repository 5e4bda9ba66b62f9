import { expect, test } from 'vitest'

import { paintTile, readNumericTile } from './numericTile'
import type { Range } from './style'
// Written by the backend, whose tests see to it that it is what the server draws.
import examples from './tiles.example.json'

async function unpack(text: string): Promise<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  return new Response(stream).arrayBuffer()
}

test.each(Object.entries(examples))('%s looks as the server draws it', async (name, example) => {
  const pixels = new Uint32Array(256 * 256)
  const tile = readNumericTile(await unpack(example.tile))
  paintTile(tile, { ranges: example.ranges as Range[], colours: example.colours }, pixels)
  const painted = new Uint8Array(pixels.buffer)
  const wanted = new Uint8Array(await unpack(example.picture))
  expect(painted).toHaveLength(wanted.length)
  let most = 0
  wanted.forEach((value, at) => {
    const isHidden = wanted[at | 3] === 0 // whose colour nobody sees
    if (!isHidden || (at & 3) === 3) most = Math.max(most, Math.abs(value - painted[at]!))
  })
  // With 24 digits a value at the limit of two colours may get the other.
  expect(most).toBeLessThanOrEqual(name === 'float64' ? 3 : 1)
})

test('what is no tile is refused', () => {
  expect(() => readNumericTile(new TextEncoder().encode('<!doctype html>').buffer)).toThrow(
    '<!doctyp',
  )
})
