import { useQuery } from '@tanstack/vue-query'
import { computed, ref, toValue, watch, type MaybeRefOrGetter, type Ref } from 'vue'

import { api as http, unwrap } from '@/api/client'

/**
 * What was asked for with a request, as fields of the form that asks for another one.
 * @param usual what the form has without it, which also says which fields there are
 */
export function useEarlierFields<Fields extends Record<string, string>>(
  id: MaybeRefOrGetter<string>,
  usual: Fields,
): Ref<Fields> {
  const fields = ref({ ...usual }) as Ref<Fields>
  const { data } = useQuery({
    queryKey: computed(() => ['requests', 'parameters', toValue(id)]),
    queryFn: ({ signal }) =>
      unwrap(
        http.GET('/requests/details/{id}/', { params: { path: { id: toValue(id) } }, signal }),
      ),
    staleTime: Infinity,
  })
  watch(
    data,
    (found) => {
      const known = Object.entries(found?.parameters ?? {}).filter(
        ([name, value]) => name in usual && value !== null && typeof value !== 'object',
      )
      Object.assign(fields.value, Object.fromEntries(known.map(([name, one]) => [name, `${one}`])))
    },
    { immediate: true },
  )
  return fields
}
