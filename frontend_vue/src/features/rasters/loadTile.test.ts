import type Tile from 'ol/Tile'
import TileState from 'ol/TileState'
import { expect, test, vi } from 'vitest'

import { cachedTiles, loadTile } from './loadTile'
import example from './tiles.example.json'

test.each([
  [async () => new Response(null, { status: 204 }), TileState.EMPTY],
  [async () => new Response('no', { status: 404 }), TileState.ERROR],
  [() => Promise.reject(new TypeError('offline')), TileState.ERROR],
])('a tile without a picture is not always an error', async (answer, state) => {
  vi.stubGlobal('fetch', answer)
  const setState = vi.fn<(state: number) => void>()
  await loadTile({ setState } as unknown as Tile, '/tiles/0/0/0')
  expect(setState).toHaveBeenCalledExactlyOnceWith(state)
})

test('all tiles are painted by way of the same pixels', async () => {
  const made = vi.fn<() => void>()
  class FakeImageData {
    data = new Uint8ClampedArray(4 * 256 * 256)
    constructor() {
      made()
    }
  }
  vi.stubGlobal('ImageData', FakeImageData)
  const drawn: number[] = []
  const putImageData = ({ data }: ImageData) => drawn.push(data[3]!)
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue({ putImageData } as never)
  const { tile, ranges, colours } = Object.values(example)[0]!
  const bytes = Uint8Array.from(atob(tile), (letter) => letter.charCodeAt(0))
  const headers = new Headers({ 'Content-Type': 'application/gzip' })
  vi.stubGlobal('fetch', async () => ({
    status: 200,
    ok: true,
    headers,
    body: new Blob([bytes]).stream(),
  }))
  for (let one = 0; one < 3; one += 1) {
    const setImage = vi.fn<() => void>()
    const isLoaded = await loadTile({ setImage } as unknown as Tile, '/t', () => ({
      ranges: ranges as [number, number][],
      colours,
    }))
    expect(isLoaded).toBe(true)
    expect(setImage).toHaveBeenCalledOnce()
  }
  expect(drawn).toHaveLength(3)
  expect(made.mock.calls.length).toBeLessThanOrEqual(1)
})

test.each([
  [390, 844, 80], // a phone
  [3840, 2160, 512],
])('a screen of %i × %i keeps no more than %i tiles, and those of two zoom levels', (...of) => {
  const [width, height, most] = of
  expect(cachedTiles(width, height)).toBeLessThanOrEqual(most)
  expect(cachedTiles(width, height)).toBeGreaterThan((2 * width * height) / 256 ** 2)
})
