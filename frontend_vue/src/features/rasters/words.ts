import type { Words } from '@/processing/types'

export const words: Words = {
  thing: 'raster',
  steps: {
    inspect: 'Reading the header',
    convert: 'Writing tiles and overviews',
    check: 'Validating the result',
    describe: 'Measuring the bands',
  },
  remedies: {
    not_a_tiff:
      'Export the data as GeoTIFF, for example with `gdal_translate in.xyz out.tif`, and upload that.',
  },
}

/** How a result is stored: the values of the form field "profile". */
export const PROFILES = [
  { value: 'auto', label: 'Lossless; a good COG stays as it is' },
  { value: 'deflate', label: 'Lossless (DEFLATE), read by every program' },
  { value: 'zstd', label: 'Lossless (ZSTD), faster, for recent programs' },
  { value: 'webp', label: 'Lossy (WebP), smallest, for colour images' },
  { value: 'jpeg', label: 'Lossy (JPEG), for grey or colour images' },
]
