import { computed, onBeforeUnmount, ref, shallowRef, watch } from 'vue'
import { type LocationQuery, useRoute, useRouter } from 'vue-router'

import { rasters, type RasterResult, sharedRaster } from './api'
import { readBasemap } from './basemaps'
import {
  type Layer,
  makeLayer,
  moveLayer,
  readLayers,
  readSwipe,
  stretchLike,
  stretchTogether,
  swipeSides,
  withRaster,
  writeLayers,
} from './layers'
import { t } from './locales'
import type { DrawnLayer } from './map'
import { numbersOf } from './numbers'
import { tileUrl } from './style'
import { type Place, readPlace, writePlace } from './view'

/**
 * What is seen on the map. All of it stands in the address, so that it survives "reload" and can be
 * sent on.
 * @param read the raster of the page, which may be described anew
 * @param mine whether other rasters are opened by their ids; else by tokens of shares
 */
export function useWorkbench(read: () => RasterResult, mine: boolean) {
  const raster = read()
  const route = useRoute()
  const router = useRouter()
  const own = makeLayer(raster, '', route.query)
  const layers = shallowRef<Layer[]>([own])
  const activeKey = ref(own.key)
  const swipe = ref(readSwipe(route.query))
  const shared = ref(route.query.shared === '1')
  const basemap = ref(readBasemap(route.query.basemap))
  const first = readPlace(route.query.at)
  const place = shallowRef<Place | null>(first)
  const problem = ref('')

  const active = computed(
    () => layers.value.find(({ key }) => key === activeKey.value) ?? layers.value[0]!,
  )
  const sides = computed(() => (swipe.value === null ? {} : swipeSides(layers.value)))
  const drawn = computed(() =>
    layers.value.map((layer): DrawnLayer => {
      const { key, visible, opacity, blend, style } = layer
      const { left, right } = sides.value
      const side = layer === left ? 'left' : layer === right ? 'right' : undefined
      const { maxzoom: maxZoom } = layer.raster.tiles
      const address = tileUrl(layer.raster, style)
      const smooth = !layer.raster.bands.some(({ classes }) => classes)
      const numbers = numbersOf(layer)
      return { key, visible, opacity, blend, side, smooth, maxZoom, address, numbers }
    }),
  )
  const query = computed<LocationQuery>(() => ({
    ...writeLayers(layers.value),
    ...(swipe.value !== null && { swipe: `${swipe.value}` }),
    ...(shared.value && { shared: '1' }),
    ...(basemap.value && { basemap: basemap.value }),
    ...(place.value && { at: writePlace(place.value) }),
  }))

  const asked = readLayers(route.query)
  const waiting = ref(asked.others.length) // until then the address says more than the page

  let timer: ReturnType<typeof setTimeout> | undefined
  let next = ''
  watch([query, waiting], () => {
    clearTimeout(timer)
    if (!waiting.value && !next)
      timer = setTimeout(() => router.replace({ query: query.value }), 300)
  })
  // The next page may still be loading: an address that is written meanwhile would keep people here.
  const arrive = ({ fullPath }: { fullPath: string }) => void (fullPath === next && (next = ''))
  const stops = [
    router.beforeEach((to) => {
      next = to.path === route.path ? '' : to.fullPath
      if (next) clearTimeout(timer)
    }),
    router.afterEach(arrive),
    router.onError((_, to) => arrive(to)),
  ]
  onBeforeUnmount(() => {
    clearTimeout(timer)
    for (const stop of stops) stop()
  })

  /** Writes what is seen into the address at once. */
  async function settle() {
    clearTimeout(timer)
    await router.replace({ query: query.value })
  }

  const open = (source: string) => (mine ? rasters.results(source) : sharedRaster(source))

  async function restore() {
    const found = await Promise.allSettled(asked.others.map(({ source }) => open(source)))
    const others = found.flatMap((one, index) => {
      const { source, query: look } = asked.others[index]!
      return one.status === 'fulfilled' ? [makeLayer(one.value, source, look)] : []
    })
    layers.value = [...others.slice(0, asked.below), ...layers.value, ...others.slice(asked.below)]
    if (others.length < found.length) {
      problem.value = t('layers.missing')
    }
    waiting.value = 0
  }
  if (waiting.value) void restore()

  /** Lays one more raster on top, and works on it. */
  async function add(id: string) {
    problem.value = ''
    try {
      const layer = makeLayer(id === raster.id ? raster : await open(id), id)
      layers.value = [...layers.value, layer]
      activeKey.value = layer.key
    } catch (error) {
      problem.value = (error as Error).message
    }
  }

  function remove(key: string) {
    layers.value = layers.value.filter((layer) => layer.key !== key || !layer.source)
    if (layers.value.length < 2) {
      swipe.value = null
      shared.value = false
    }
  }

  const move = (key: string, step: 1 | -1) => (layers.value = moveLayer(layers.value, key, step))

  function change(key: string, changes: Partial<Layer>) {
    layers.value = layers.value.map((layer) =>
      layer.key === key ? { ...layer, ...changes } : layer,
    )
    const changed = layers.value.find((layer) => layer.key === key)
    if (shared.value && changes.style && changed) layers.value = stretchLike(layers.value, changed)
  }

  function share(wanted: boolean) {
    shared.value = wanted
    if (wanted) layers.value = stretchTogether(layers.value, active.value)
  }

  watch(read, (described) => {
    layers.value = layers.value.map((layer) =>
      layer.raster.id === described.id ? withRaster(layer, described) : layer,
    )
  })

  return {
    layers, active, activeKey, swipe, shared, basemap, sides, drawn, first, place, problem,
    query, settle, add, remove, move, change, share,
  } // prettier-ignore
}

export type Workbench = ReturnType<typeof useWorkbench>
