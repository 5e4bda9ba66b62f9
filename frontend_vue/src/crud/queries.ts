import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'

import type { CrudApi, RowQuery } from './types'

/** A page of the list. */
export function useRows<Row>(api: CrudApi<Row, never>, query: MaybeRefOrGetter<RowQuery>) {
  return useQuery({
    queryKey: computed(() => [api.address, 'list', toValue(query)]),
    queryFn: ({ signal }) => api.list(toValue(query), signal),
    placeholderData: keepPreviousData,
  })
}

/** One row; none is asked for without an id. */
export function useRow<Row>(api: CrudApi<Row, never>, id: MaybeRefOrGetter<string | undefined>) {
  return useQuery({
    queryKey: computed(() => [api.address, 'row', toValue(id)]),
    queryFn: ({ signal }) => api.get(toValue(id)!, signal),
    enabled: computed(() => !!toValue(id)),
  })
}

/** Makes a row, or changes the one with this id; lists and pages follow by themselves. */
export function useSave<Row, Input>(api: CrudApi<Row, Input>, id?: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: (input: Input) => (id ? api.update(id, input) : api.create(input)),
    onSuccess: () => client.invalidateQueries({ queryKey: [api.address] }),
  })
}

export function useRemove(api: CrudApi, id: MaybeRefOrGetter<string>) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => api.remove(toValue(id)),
    onSuccess: () => client.invalidateQueries({ queryKey: [api.address, 'list'] }),
  })
}
