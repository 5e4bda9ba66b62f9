import type { RasterResult } from './api'

/** As much of a raster with one band as a workbench needs. */
export const raster = {
  id: '7',
  bands: [{ index: 1, dtype: 'uint8' }],
  style: { bands: [1], ranges: [[0, 255]], colormap: '' },
  colormaps: {},
  tiles: { url_template: '/t/{z}/{x}/{y}', minzoom: 0, maxzoom: 9 },
} as unknown as RasterResult
