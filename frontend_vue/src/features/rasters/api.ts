import { api, unwrap } from '@/api/client'
import type { components, paths } from '@/api/schema'
import type { ProcessingApi } from '@/processing/types'
import { createUploads } from '@/processing/uploads'

export type RasterResult = components['schemas']['RasterResult']
export type RasterBand = RasterResult['bands'][number]

const createPath = '/rasters/create/' satisfies keyof paths
const at = (id: string) => ({ params: { path: { id } } })

/** The raster endpoints, checked against the OpenAPI document by the compiler. */
export const rasters: ProcessingApi<RasterResult> = {
  feature: 'rasters',
  createPath,
  list: (query, signal) => unwrap(api.GET('/rasters/list/', { params: { query }, signal })),
  status: (id, signal) => unwrap(api.GET('/rasters/status/{id}/', { ...at(id), signal })),
  results: (id, signal) => unwrap(api.GET('/rasters/results/{id}/', { ...at(id), signal })),
  history: (id, signal) => unwrap(api.GET('/rasters/history/{id}/', { ...at(id), signal })),
  cancel: (id) => unwrap(api.POST('/rasters/cancel/{id}/', at(id))),
  retry: (id) => unwrap(api.POST('/rasters/retry/{id}/', at(id))),
  remove: (id) => unwrap(api.DELETE('/rasters/delete/{id}/', at(id))),
}

export const rasterUploads = createUploads(rasters)
