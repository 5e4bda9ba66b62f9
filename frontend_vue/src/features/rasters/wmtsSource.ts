import WMTSCapabilities from 'ol/format/WMTSCapabilities'
import { get } from 'ol/proj'
import WMTS, { optionsFromCapabilities } from 'ol/source/WMTS'

import { BasemapError } from './basemaps'
import { t } from './locales'

/**
 * A layer of a WMTS, as its capabilities describe it.
 * @throws {Error} when there is no such layer in the projection of web maps
 */
export async function wmtsSource(url: string, layer: string): Promise<WMTS> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${response.status}`)
  const capabilities = new WMTSCapabilities().read(await response.text())
  const options = optionsFromCapabilities(capabilities, { layer, projection: 'EPSG:3857' })
  if (!options || get(options.projection)?.getCode() !== 'EPSG:3857') {
    throw new BasemapError(t('basemap.noLayer', { layer }))
  }
  return new WMTS({ ...options, crossOrigin: 'anonymous', transition: 0 })
}
