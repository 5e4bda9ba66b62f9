import type TileSource from 'ol/source/Tile'
import XYZ from 'ol/source/XYZ'

import type { Basemap } from './basemaps'

/** Where servers of XYZ tiles usually end. */
const USUAL_ZOOM = 19

/**
 * The tiles of a basemap. They are asked for with CORS, as the map is saved as a picture with them.
 * @throws {Error} when it cannot be read, or is nothing that this map draws
 */
export async function basemapSource(basemap: Basemap): Promise<TileSource> {
  const { kind, url, layer, max_zoom } = basemap
  if (kind === 'pmtiles') return (await import('./pmtilesSource')).pmtilesSource(url)
  if (kind === 'wmts') return (await import('./wmtsSource')).wmtsSource(url, layer!)
  return new XYZ({ url, maxZoom: max_zoom ?? USUAL_ZOOM, crossOrigin: 'anonymous', transition: 0 })
}
