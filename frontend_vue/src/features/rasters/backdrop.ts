import TileLayer from 'ol/layer/Tile'
import type OlMap from 'ol/Map'
import type TileSource from 'ol/source/Tile'

import { basemapSource } from './basemapSource'
import { BasemapError, findBasemap } from './basemaps'
import { t } from './locales'

/**
 * The basemap below the rasters, where one was chosen.
 * @param order of its layer
 * @param told why it cannot be loaded; "" when it can
 */
export function createBackdrop(map: OlMap, order: number, told: (problem: string) => void) {
  let layer: TileLayer | undefined
  let chosen = ''
  let choices = 0

  /** @returns false when there is no basemap of this name */
  function choose(name: string): boolean {
    const basemap = findBasemap(name)
    if (name === chosen) return !!basemap
    chosen = name
    const choice = ++choices
    const tell = (problem: string) => choice === choices && told(problem)
    if (layer) map.removeLayer(layer)
    layer = undefined
    tell('')
    if (basemap) {
      basemapSource(basemap)
        // The same one may have been chosen twice since.
        .then((source) => choice === choices && add(source, tell))
        .catch((error) => tell(error instanceof BasemapError ? error.message : failed()))
    }
    return !!basemap
  }

  const failed = () => t('map.basemapFailed', { name: chosen })

  function add(source: TileSource, tell: (problem: string) => void) {
    layer = new TileLayer({ source, zIndex: order, className: 'ol-layer basemap-layer' })
    let loaded = false
    // Many have no tiles of some places; one that has none at all cannot be reached.
    source.on('tileloadend' as never, () => {
      loaded = true
      tell('')
    })
    source.on('tileloaderror' as never, () => !loaded && tell(failed()))
    map.addLayer(layer)
  }

  /** Tries the chosen one once more. */
  function retry() {
    const again = chosen
    chosen = ''
    choose(again)
  }

  return { choose, retry }
}
