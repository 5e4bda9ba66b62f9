import type ImageTile from 'ol/ImageTile'
import type Tile from 'ol/Tile'
import TileState from 'ol/TileState'

/**
 * Loads a tile with `fetch`: to an image element an answer without content (204), which says that
 * the raster has no pixel there, would be an error.
 */
export async function loadTile(tile: Tile, url: string): Promise<void> {
  try {
    const response = await fetch(url)
    if (response.status === 204) return tile.setState(TileState.EMPTY)
    if (!response.ok) return tile.setState(TileState.ERROR)
    const image = new Image()
    image.src = URL.createObjectURL(await response.blob())
    try {
      await image.decode()
    } finally {
      URL.revokeObjectURL(image.src)
    }
    ;(tile as ImageTile).setImage(image)
  } catch {
    tile.setState(TileState.ERROR)
  }
}
