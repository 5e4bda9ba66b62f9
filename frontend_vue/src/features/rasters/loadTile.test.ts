import type Tile from 'ol/Tile'
import TileState from 'ol/TileState'
import { expect, test, vi } from 'vitest'

import { loadTile } from './loadTile'

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
