import type ImageTile from 'ol/ImageTile'
import type Tile from 'ol/Tile'
import TileState from 'ol/TileState'

/**
 * Loads a tile with `fetch`: to an image element an answer without content (204), which says that
 * the raster has no pixel there, would be an error.
 * @returns whether the server has answered well
 */
export async function loadTile(tile: Tile, url: string): Promise<boolean> {
  try {
    const response = await fetch(url)
    if (response.status === 204) {
      tile.setState(TileState.EMPTY)
      return true
    }
    if (!response.ok) throw new Error(`${response.status}`)
    const image = new Image()
    image.src = URL.createObjectURL(await response.blob())
    try {
      await image.decode()
    } finally {
      URL.revokeObjectURL(image.src)
    }
    ;(tile as ImageTile).setImage(image)
    return true
  } catch {
    tile.setState(TileState.ERROR)
    return false
  }
}
