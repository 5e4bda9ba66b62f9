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
  },
  remedies: {
    not_a_tiff:
      'Export the data as GeoTIFF, for example with `gdal_translate in.xyz out.tif`, and upload that.',
  },
}

type Parameters = Omit<components['schemas']['RasterCreateRequest'], CommonField>

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
  map_copy: 'false',
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
