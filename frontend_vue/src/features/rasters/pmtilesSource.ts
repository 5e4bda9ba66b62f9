import ImageTile from 'ol/source/ImageTile'
import { PMTiles, TileType } from 'pmtiles'

import { BasemapError } from './basemaps'
import { t } from './locales'

/**
 * The tiles of one file, of which parts are read.
 * @throws {Error} when it cannot be read, or has no pictures
 */
export async function pmtilesSource(url: string): Promise<ImageTile> {
  const archive = new PMTiles(new URL(url, location.href).href)
  const { tileType, minZoom, maxZoom } = await archive.getHeader()
  if (tileType === TileType.Mvt) throw new BasemapError(t('basemap.vectors'))
  return new ImageTile({
    minZoom,
    maxZoom,
    transition: 0,
    async loader(z, x, y, { signal }) {
      const found = await archive.getZxy(z, x, y, signal)
      return found ? createImageBitmap(new Blob([found.data])) : nothing()
    },
  })
}

/** For places that the file has no tile of. */
function nothing(): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = 1
  return canvas
}
