import ImageTile from 'ol/ImageTile'
import type Tile from 'ol/Tile'
import TileState from 'ol/TileState'

import { type NumericTile, type Painting, paintTile, readNumericTile } from './numericTile'

/**
 * Loads a tile with `fetch`: to an image element an answer without content (204), which says that
 * the raster has no pixel there, would be an error.
 * @param painting how a tile of numbers is coloured, whenever it is drawn
 * @returns whether the server has answered well
 */
export async function loadTile(
  tile: Tile,
  url: string,
  painting: () => Painting | undefined = () => undefined,
): Promise<boolean> {
  try {
    const response = await fetch(url)
    if (response.status === 204) {
      tile.setState(TileState.EMPTY)
      return true
    }
    if (!response.ok) throw new Error(`${response.status}`)
    if (response.headers.get('Content-Type') === 'application/gzip') {
      const stream = response.body!.pipeThrough(new DecompressionStream('gzip'))
      const numbers = readNumericTile(await new Response(stream).arrayBuffer())
      paintWhenDrawn(tile as ImageTile, numbers, painting)
    } else {
      ;(tile as ImageTile).setImage(await readImage(response))
    }
    return true
  } catch {
    tile.setState(TileState.ERROR)
    return false
  }
}

async function readImage(response: Response): Promise<HTMLImageElement> {
  const image = new Image()
  image.src = URL.createObjectURL(await response.blob())
  try {
    await image.decode()
  } finally {
    URL.revokeObjectURL(image.src)
  }
  return image
}

/** How many tiles of a layer are kept, on a screen of this size: those of four zoom levels. */
export function cachedTiles(width: number, height: number): number {
  return Math.min(512, Math.ceil(4 * (width / 256 + 2) * (height / 256 + 2)))
}

/** Of all tiles: each is painted at once, and has a canvas of its own. */
let picture: ImageData | undefined

/** Only what is seen is painted anew when the painting is another. */
function paintWhenDrawn(tile: ImageTile, numbers: NumericTile, wanted: () => Painting | undefined) {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = 256
  const context = canvas.getContext('2d')!
  let painted: Painting | undefined
  function paint() {
    const painting = wanted()
    if (painting && painting !== painted) {
      picture ??= new ImageData(256, 256)
      paintTile(numbers, painting, new Uint32Array(picture.data.buffer))
      context.putImageData(picture, 0, 0)
      painted = painting
    }
    return canvas
  }
  tile.getImage = paint
  tile.setImage(paint())
}
