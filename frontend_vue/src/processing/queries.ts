import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, type Ref, shallowRef, toValue, watch } from 'vue'

import { api as http, unwrap } from '@/api/client'

import { pollInterval } from './polling'
import { isFinal, type ListQuery, type ProcessingApi, type ProcessingRequest } from './types'

export const keys = {
  list: (feature: string) => [feature, 'list'],
  status: (feature: string, id: string) => [feature, 'status', id],
  history: (feature: string, id: string) => [feature, 'history', id],
  result: (feature: string, id: string) => [feature, 'result', id],
  /** Of a pipeline; below it, the steps of each stage. */
  graph: (id: string) => ['requests', 'graph', id],
  usage: ['usage'],
}

/** Asks anew each time the window comes back, and keeps asking while it is away, but slower. */
export const watching = { retry: false, refetchIntervalInBackground: true } as const

/**
 * A question that was never answered loses its error while it is asked again; a page that shows it
 * would change to "loading" for that moment, and back.
 * @param about what is asked for: of another one the error says nothing
 */
function keepError<Q extends { data: Ref; error: Ref<Error | null> }>(
  query: Q,
  about: MaybeRefOrGetter<unknown>,
): Q {
  const error = shallowRef(query.error.value)
  watch([query.error, query.data, () => JSON.stringify(toValue(about))], (now, before) => {
    if (now[0] || now[1] || now[2] !== before[2]) error.value = now[0]
  })
  return { ...query, error }
}

/** What a request works on, and what it has brought, with its files. */
export function useDetails(request: MaybeRefOrGetter<ProcessingRequest>) {
  return useQuery({
    queryKey: computed(() => {
      const { id, status, attempt } = toValue(request)
      return [...keys.result('requests', id), status, attempt]
    }),
    queryFn: ({ signal }) => {
      const path = { id: toValue(request).id }
      return unwrap(http.GET('/requests/details/{id}/', { params: { path }, signal }))
    },
    placeholderData: keepPreviousData,
  })
}

/** One request, followed until it is final. */
export function useRequest(api: ProcessingApi, id: MaybeRefOrGetter<string>) {
  const query = useQuery({
    queryKey: computed(() => keys.status(api.feature, toValue(id))),
    queryFn: ({ signal }) => api.status(toValue(id), signal),
    refetchInterval: ({ state }) => pollInterval(!!state.data && !isFinal(state.data), state.error),
    ...watching,
  })
  return keepError(query, id)
}

/** A page of the list, followed while anything on it is unfinished. */
export function useRequestList(api: ProcessingApi, query: MaybeRefOrGetter<ListQuery>) {
  const list = useQuery({
    queryKey: computed(() => [...keys.list(api.feature), toValue(query)]),
    queryFn: ({ signal }) => api.list(toValue(query), signal),
    refetchInterval: ({ state }) =>
      pollInterval(!!state.data?.results.some((entry) => !isFinal(entry)), state.error),
    placeholderData: keepPreviousData,
    ...watching,
  })
  return keepError(list, query)
}

/**
 * The attempts at a request: anew when its status or attempt is another, so never those of the
 * state before (`data` is undefined until they are there).
 */
export function useHistory(
  api: ProcessingApi,
  request: MaybeRefOrGetter<ProcessingRequest>,
  options: { enabled?: MaybeRefOrGetter<boolean>; follow?: boolean } = {},
) {
  const state = computed(() => {
    const { id, status, attempt } = toValue(request)
    return [...keys.history(api.feature, id), status, attempt]
  })
  return useQuery({
    queryKey: state,
    queryFn: ({ signal }) => api.history(toValue(request).id, signal),
    enabled: computed(() => toValue(options.enabled) ?? true),
    refetchInterval: ({ state: { error } }) =>
      pollInterval(!!options.follow && !isFinal(toValue(request)), error),
    ...watching,
  })
}

/** What came out; asked for when `ready`. */
export function useResult<Result>(
  api: ProcessingApi<Result>,
  id: MaybeRefOrGetter<string>,
  ready: MaybeRefOrGetter<boolean>,
) {
  return useQuery({
    queryKey: computed(() => keys.result(api.feature, toValue(id))),
    queryFn: ({ signal }) => api.results(toValue(id), signal),
    enabled: computed(() => toValue(ready)),
    staleTime: Infinity,
  })
}

/** Cancel, retry and delete; the lists and the request follow by themselves. */
export function useRequestActions(api: ProcessingApi, id: MaybeRefOrGetter<string>) {
  const client = useQueryClient()

  function store(request: ProcessingRequest) {
    client.setQueryData(keys.status(api.feature, request.id), request)
    void client.invalidateQueries({ queryKey: keys.graph(request.id) })
    return client.invalidateQueries({ queryKey: keys.list(api.feature) })
  }

  return {
    cancel: useMutation({ mutationFn: () => api.cancel(toValue(id)), onSuccess: store }),
    retry: useMutation({
      mutationFn: () => api.retry(toValue(id)),
      onSuccess: (request) => {
        void client.resetQueries({ queryKey: keys.result(api.feature, request.id) })
        return store(request)
      },
    }),
    remove: useMutation({
      mutationFn: () => api.remove(toValue(id)),
      onSuccess: () => client.invalidateQueries({ queryKey: keys.list(api.feature) }),
    }),
  }
}

/** What the visitor has uploaded today, and may. */
export function useUsage() {
  return useQuery({
    queryKey: keys.usage,
    queryFn: ({ signal }) => unwrap(http.GET('/usage/', { signal })),
    staleTime: 60_000,
  })
}

/** For a request that was just made elsewhere: puts it in place and renews the lists. */
export function useRememberRequest(api: ProcessingApi) {
  const client = useQueryClient()
  return (request: ProcessingRequest) => {
    void client.invalidateQueries({ queryKey: keys.usage })
    client.setQueryData(keys.status(api.feature, request.id), request)
    return client.invalidateQueries({ queryKey: keys.list(api.feature) })
  }
}
