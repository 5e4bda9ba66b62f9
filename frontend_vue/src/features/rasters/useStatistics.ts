import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'

import { type ComputedStatistics, follow, type RasterBand, type RasterResult } from './api'
import { algorithmTitle, computedQuery, type MapStyle } from './style'

/**
 * What the server knows of the values that a style computes, as if they were a band.
 * @param fresh is told of the first statistics of each thing that is computed
 */
export function useStatistics(
  raster: () => RasterResult,
  style: () => MapStyle,
  fresh: (band: RasterBand) => void,
) {
  const found = shallowRef<ComputedStatistics | null>(null)
  const problem = ref('')
  let asking: AbortController | undefined

  const text = computed(() => new URLSearchParams(computedQuery(style())).toString())
  const title = computed(() => {
    const { expression, algorithm } = style()
    return expression ?? (algorithm ? algorithmTitle(algorithm) : '')
  })
  const band = computed(
    () =>
      found.value &&
      ({
        ...found.value,
        index: 1,
        dtype: 'float64',
        description: title.value,
        color_interpretation: 'gray',
      } as RasterBand),
  )

  async function ask() {
    asking?.abort()
    found.value = null
    problem.value = ''
    if (!text.value) return
    asking = new AbortController()
    try {
      const { statistics } = raster().links
      found.value = await follow(statistics, computedQuery(style()), asking.signal)
      if (band.value?.histogram) fresh(band.value)
    } catch (error) {
      const { name, message } = error as Error
      if (name !== 'AbortError') problem.value = message
    }
  }
  watch(text, ask, { immediate: true })
  onScopeDispose(() => asking?.abort())

  return { band, problem }
}
