import { api, failure, fetchInTime, unwrap } from '@/api/client'
import { unreachable } from '@/api/errors'
import type { components, paths } from '@/api/schema'
import type { ProcessingApi } from '@/processing/types'
import { createUploads } from '@/processing/uploads'

export type RasterResult = components['schemas']['RasterResult']
export type RasterBand = RasterResult['bands'][number]
export type RasterClass = NonNullable<RasterBand['classes']>[number]
export type SharedRaster = components['schemas']['SharedRaster']
export type Share = components['schemas']['Share']
export type CreatedShare = components['schemas']['CreatedShare']
export type MapCopy = components['schemas']['MapCopy']
export type PointValues = components['schemas']['PointValues']
export type ComputedStatistics = components['schemas']['Statistics']
type Create = components['schemas']['RasterCreateRequest']
export type Amendment = Partial<components['schemas']['RasterOptionsRequest']>
export type Crs = components['schemas']['Crs']
export type ProfileValues = components['schemas']['ProfileValues']

export type MosaicCreate = Partial<components['schemas']['MosaicCreateRequest']> & {
  rasters: string[]
}

const createPath = '/rasters/create/' satisfies keyof paths
const mosaicPath = '/rasters/mosaics/create/' satisfies keyof paths
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
  sample: () => unwrap(api.POST('/rasters/sample/')),
}

/** What is made of several rasters: a raster too, with addresses of its own. */
export const mosaics: ProcessingApi<RasterResult> = {
  feature: 'mosaics',
  createPath: mosaicPath,
  list: (query, signal) => unwrap(api.GET('/rasters/mosaics/list/', { params: { query }, signal })),
  status: (id, signal) => unwrap(api.GET('/rasters/mosaics/status/{id}/', { ...at(id), signal })),
  results: (id, signal) => unwrap(api.GET('/rasters/mosaics/results/{id}/', { ...at(id), signal })),
  history: (id, signal) => unwrap(api.GET('/rasters/mosaics/history/{id}/', { ...at(id), signal })),
  cancel: (id) => unwrap(api.POST('/rasters/mosaics/cancel/{id}/', at(id))),
  retry: (id) => unwrap(api.POST('/rasters/mosaics/retry/{id}/', at(id))),
  remove: (id) => unwrap(api.DELETE('/rasters/mosaics/delete/{id}/', at(id))),
}

/** Puts rasters together: `upload:<id>` and `request:<id>`, the last on top. */
export const createMosaic = (body: MosaicCreate, headers: Record<string, string>) =>
  unwrap(
    api.POST(mosaicPath, { body: body as components['schemas']['MosaicCreateRequest'], headers }),
  )

/** The steps of a mosaic that have failed. */
export const failedSteps = (id: string) =>
  unwrap(
    api.GET('/rasters/mosaics/steps/{id}/', {
      params: { path: { id }, query: { status: 'failed', page_size: 100 } },
    }),
  )

export const rasterUploads = createUploads(rasters)

/** Changes options of a raster that failed, and starts it again. */
export const amend = (id: string, body: Amendment) =>
  unwrap(api.POST('/rasters/amend/{id}/', { ...at(id), body: body as Required<Amendment> }))

/** Says what the file does not: the map, the legend and the STAC item follow. */
export const describe = (id: string, body: components['schemas']['PatchedDescriptionRequest']) =>
  unwrap(api.PATCH('/rasters/describe/{id}/', { ...at(id), body }))

/**
 * Makes a raster anew from an earlier one, whose values are something else than they look; once,
 * however often it is called with the same key.
 */
export function remake(id: string, name: string, values: RasterResult['values'], key: string) {
  const body = { raster: `request:${id}`, name, values } as Create
  return unwrap(api.POST(createPath, { body, headers: { 'Idempotency-Key': key } }))
}

/** Coordinate reference systems by their names. */
export const searchCrs = (q: string, signal?: AbortSignal) =>
  unwrap(api.GET('/rasters/crs/', { params: { query: { q } }, signal }))

/** Links for people without an account. */
export const shares = {
  list: (id: string) => unwrap(api.GET('/rasters/shares/{id}/', at(id))),
  create: (id: string, body: { days: number; allow_download: boolean; note: string }) =>
    unwrap(api.POST('/rasters/shares/{id}/', { ...at(id), body })),
  revoke: (id: string, share: string) =>
    unwrap(api.DELETE('/rasters/shares/{id}/{share}/', { params: { path: { id, share } } })),
}

/** All tiles drawn in advance. */
export const mapCopies = {
  status: (id: string) => unwrap(api.GET('/rasters/map-copy/{id}/', at(id))),
  create: (id: string) => unwrap(api.POST('/rasters/map-copy/{id}/', at(id))),
  remove: (id: string) => unwrap(api.DELETE('/rasters/map-copy/{id}/', at(id))),
}

/** The raster that a link shows. */
export const sharedRaster = (token: string) =>
  unwrap(api.GET('/rasters/shared/{token}/', { params: { path: { token } } }))

/**
 * What an address among a result's `links` answers.
 * @throws {ApiError} unless it is a success
 */
export async function follow<Data>(
  path: string,
  query: Record<string, string | number>,
  signal?: AbortSignal,
): Promise<Data> {
  const text = new URLSearchParams(Object.entries(query).map(([key, value]) => [key, `${value}`]))
  const headers = { Accept: 'application/json' }
  const request = new Request(`${path}?${text}`, { headers, signal })
  const response = await fetchInTime(request).catch((error: Error) => {
    throw error.name === 'AbortError' ? error : unreachable()
  })
  const body: unknown = await response.json().catch(() => null)
  if (!response.ok) throw failure(response.status, body, response.headers.get('Retry-After'))
  return body as Data
}
