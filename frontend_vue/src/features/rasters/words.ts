import type { components } from '@/api/schema'
import type { CommonField, Words } from '@/processing/types'

import { t } from './locales'

export const words: Words = {
  get thing() {
    return t('thing.raster')
  },
  get things() {
    return t('thing.rasters')
  },
  get steps() {
    return {
      inspect: t('steps.inspect'),
      measure: t('steps.measure'),
      convert: t('steps.convert'),
      check: t('steps.check'),
      describe: t('steps.describe'),
      merge: t('steps.merge'),
    }
  },
}

export const mosaicWords: Words = {
  get thing() {
    return t('thing.mosaic')
  },
  get things() {
    return t('thing.mosaics')
  },
  get remedies() {
    return { step_failed: t('remedy.step') }
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

export function cureLabel(cure: Cure): { label: string; hint?: string } {
  const hints: Partial<Record<Cure, string>> = {
    corners: t('corners.hint'),
    gcps: t('gcps.hint'),
    nodata: t('nodata.hint'),
    bands: t('bands.hint'),
    layer: t('layer.hint'),
  }
  return { label: optionLabel(cure), hint: hints[cure] }
}

/** What an option is called. */
export function optionLabel(option: Cure): string {
  const labels: Record<Cure, string> = {
    crs: t('crs'),
    corners: t('corners'),
    gcps: t('gcps'),
    nodata: t('nodata'),
    bands: t('bands'),
    layer: t('layer'),
    values: t('values'),
  }
  return labels[option]
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

export interface Choice {
  value: string
  label: string
}

export const profiles = (): Choice[] =>
  (['auto', 'deflate', 'zstd', 'lzw', 'webp', 'jpeg'] as const).map((value) => ({
    value,
    label: t(`profile.${value}`),
  }))

export const grids = (): Choice[] =>
  (['native', 'web'] as const).map((value) => ({ value, label: t(`grid.${value}`) }))

export const valueKinds = (): Choice[] =>
  (['auto', 'classes', 'continuous'] as const).map((value) => ({
    value,
    label: t(`values.${value}`),
  }))

/** The names of methods are those of GDAL. */
export const resamplings = (): Choice[] => [
  { value: 'auto', label: t('resampling.auto') },
  ...['nearest', 'average', 'bilinear', 'cubic', 'lanczos', 'mode'].map((value) => ({
    value,
    label: value,
  })),
]

export const blockSizes = (): Choice[] =>
  ['128', '256', '512', '1024'].map((size) => ({ value: size, label: t('blockSize', { size }) }))
