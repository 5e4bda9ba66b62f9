import { env } from '@/env'

/** A map of somebody's own that MAP_BASEMAPS names. */
export interface Basemap {
  name: string
  url: string
  attribution: string
  kind: 'xyz' | 'pmtiles' | 'wmts'
  /** Of a WMTS. */
  layer?: string
  max_zoom?: number
}

/** Why a basemap cannot be drawn, for the people who see the map. */
export class BasemapError extends Error {}

/** What is there without asking anybody: countries with names, countries alone, or nothing. */
export const BUILT_IN = ['', 'countries', 'none'] as const

export const basemaps = (env.modules.basemaps ?? []) as Basemap[]

export const findBasemap = (name: string, among = basemaps) =>
  among.find((basemap) => basemap.name === name)

/** The basemap that an address names; the usual one when there is no such. */
export function readBasemap(text: unknown, among = basemaps): string {
  const known = [...BUILT_IN, ...among.map(({ name }) => name)]
  return known.find((name) => name === text) ?? ''
}
