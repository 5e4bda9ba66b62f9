import { findBasemap } from './basemaps'
import { t } from './locales'

/** Whom the map below the rasters is from; "" where there is none. */
export function creditOf(basemap: string): string {
  return findBasemap(basemap)?.attribution ?? (basemap === 'none' ? '' : t('map.land'))
}
