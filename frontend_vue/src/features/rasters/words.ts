import type { components } from '@/api/schema'
import type { CommonField, Words } from '@/processing/types'

export const words: Words = {
  thing: 'raster',
  steps: {
    inspect: 'Reading the header',
    measure: 'Looking at every pixel',
    convert: 'Writing tiles and overviews',
    check: 'Validating the result',
    describe: 'Drawing the preview',
    merge: 'Putting the rasters together',
  },
}

export const mosaicWords: Words = {
  thing: 'mosaic',
  remedies: {
    step_failed:
      'Retry continues from the failed step. Completed steps are kept. If a file does not fit the others, make another mosaic without it.',
  },
}

/** Of files that may come in; what is in them decides. */
export const ENDINGS = [
  '.tif',
  '.tiff',
  '.gtiff',
  '.zip',
  '.jp2',
  '.j2k',
  '.png',
  '.jpg',
  '.jpeg',
  '.asc',
  '.hgt',
  '.img',
  '.nc',
  '.nc4',
  '.h5',
  '.hdf5',
  '.he5',
  '.gpkg',
]

type Parameters = Omit<components['schemas']['RasterCreateRequest'], CommonField | 'raster'>

/** Fields of the upload's form, as text. The names are the API's. */
export type RasterFields = Record<keyof Parameters, string>

export const USUAL: RasterFields = {
  profile: 'auto',
  grid: 'native',
  overview_resampling: 'auto',
  block_size: '256',
  nodata: '',
  bands: '',
  values: 'auto',
  crs: '',
  corners: '',
  gcps: '',
  layer: '',
  map_copy: 'false',
}

/** Options that a failure may be cured by. */
export type Cure = 'crs' | 'corners' | 'gcps' | 'nodata' | 'bands' | 'layer' | 'values'

export const CURE_LABELS: Record<Cure, { label: string; hint?: string }> = {
  crs: { label: 'Coordinate reference system' },
  corners: {
    label: 'Corners',
    hint: 'West, south, east, north of the outer edges in that system, with commas between.',
  },
  gcps: {
    label: 'Ground control points',
    hint: 'Three or more of column, row, x, y, with semicolons between, instead of corners.',
  },
  nodata: { label: 'Missing pixels have the value', hint: 'A number, “nan” or “none”.' },
  bands: { label: 'Bands', hint: 'For example 30,20,10.' },
  layer: { label: 'Layer', hint: 'One of the names above.' },
  values: { label: 'Values are' },
}

/** By the code of a failure, what to ask for. */
export const CURES: Record<string, Cure[]> = {
  no_crs: ['crs', 'corners'],
  no_georeference: ['corners', 'gcps', 'crs'],
  unusable_crs: ['crs'],
  outside_crs: ['crs', 'corners'],
  crs_unknown: ['crs'],
  too_many_bands: ['bands'],
  no_such_band: ['bands'],
  nodata_needed: ['nodata'],
  nodata_unsuitable: ['nodata'],
  choose_layer: ['layer'],
  too_many_classes: ['values'],
}

export const PROFILES = [
  { value: 'auto', label: 'Lossless; a good COG stays as it is' },
  { value: 'deflate', label: 'Lossless (DEFLATE), read by every program' },
  { value: 'zstd', label: 'Lossless (ZSTD), faster, for recent programs' },
  { value: 'lzw', label: 'Lossless (LZW), for very old programs' },
  { value: 'webp', label: 'Lossy (WebP), smallest, for colour images' },
  { value: 'jpeg', label: 'Lossy (JPEG), for grey or colour images' },
]

export const GRIDS = [
  { value: 'native', label: 'As in the file' },
  { value: 'web', label: 'Reprojected to that of web maps' },
]

export const VALUES = [
  { value: 'auto', label: 'As the pixels show' },
  { value: 'classes', label: 'Classes, as of land cover' },
  { value: 'continuous', label: 'Measurements' },
]

export const RESAMPLINGS = [
  { value: 'auto', label: 'As suits the pixels' },
  ...['nearest', 'average', 'bilinear', 'cubic', 'lanczos', 'mode'].map((value) => ({
    value,
    label: value,
  })),
]

export const BLOCK_SIZES = ['128', '256', '512', '1024'].map((value) => ({
  value,
  label: `${value} × ${value} pixels`,
}))
