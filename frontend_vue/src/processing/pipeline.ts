import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { computed, toValue, watch, type MaybeRefOrGetter } from 'vue'
import { useRouter, type Router } from 'vue-router'

import { api as http, unwrap } from '@/api/client'
import { ApiError } from '@/api/errors'
import type { components } from '@/api/schema'

import { t } from './locales'
import { pollInterval } from './polling'
import { keys, watching } from './queries'
import { isFinal, type ProcessingApi, type ProcessingRequest, type StepStatus } from './types'
import { STEP_STATUSES } from './wording'

export type Graph = components['schemas']['Stages']
export type Stage = components['schemas']['Stage']
export type Step = components['schemas']['Step']

const at = (id: string) => ({ path: { id } })

/** The graph of a pipeline, followed while it is worked on. Whatever renews it, renews it here. */
export function useGraph(request: MaybeRefOrGetter<ProcessingRequest>) {
  const query = useQuery({
    queryKey: computed(() => keys.graph(toValue(request).id)),
    queryFn: ({ signal }) =>
      unwrap(http.GET('/requests/stages/{id}/', { params: at(toValue(request).id), signal })),
    refetchInterval: ({ state }) => pollInterval(!isFinal(toValue(request)), state.error),
    ...watching,
  })
  // Its last state is that of the end, and a retry begins with another one.
  watch(
    () => [toValue(request).status, toValue(request).attempt].join(),
    () => void query.refetch(),
  )
  return query
}

/** A page of a stage's steps: anew when the graph shows that something of the stage has changed. */
export function useSteps(
  id: MaybeRefOrGetter<string>,
  stage: MaybeRefOrGetter<Stage>,
  choice: MaybeRefOrGetter<{ status?: StepStatus; page: number; page_size: number }>,
) {
  const query = useQuery({
    queryKey: computed(() => [...keys.graph(toValue(id)), toValue(stage).key, toValue(choice)]),
    queryFn: ({ signal }) =>
      unwrap(
        http.GET('/requests/steps/{id}/', {
          params: {
            ...at(toValue(id)),
            query: { stage: toValue(stage).key, ...toValue(choice) },
          },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    retry: false,
  })
  watch(
    () => toValue(stage), // the same object as long as nothing in it is another
    () => void query.refetch(),
  )
  return query
}

/** The pipeline that a step belongs to. Its name and kind stay. */
export function usePipeline(request: MaybeRefOrGetter<ProcessingRequest | undefined>) {
  const parent = computed(() => toValue(request)?.parent ?? '')
  return useQuery({
    queryKey: computed(() => keys.status('requests', parent.value)),
    queryFn: ({ signal }) => anyKind.status(parent.value, signal),
    enabled: computed(() => !!parent.value),
    staleTime: Infinity,
  })
}

/** Gives the address of a request's page: that of its feature, or the one for all kinds. */
export function useRequestPath() {
  const router = useRouter()
  return (kind: string, id: string) => requestPath(router, kind, id)
}

export function requestPath(router: Router, kind: string, id: string): string {
  const own = `/${kind}/${id}`
  return kind && router.resolve(own).name !== 'missing' ? own : `/requests/${id}`
}

async function act(action: 'cancel' | 'retry' | 'delete', id: string): Promise<void> {
  const { refused } = await unwrap(http.POST(`/requests/${action}/`, { body: { ids: [id] } }))
  if (refused[0]) throw new ApiError(409, refused[0].code, refused[0].message)
}

/** The calls for a request of which only the id is known. */
export const anyKind: ProcessingApi<true> = {
  feature: 'requests',
  createPath: '',
  list: (query, signal) => unwrap(http.GET('/requests/list/', { params: { query }, signal })),
  status: (id, signal) => unwrap(http.GET('/requests/status/{id}/', { params: at(id), signal })),
  /** What there is to say about a result depends on its kind. */
  results: async () => true,
  history: (id, signal) => unwrap(http.GET('/requests/history/{id}/', { params: at(id), signal })),
  cancel: (id) => act('cancel', id).then(() => anyKind.status(id)),
  retry: (id) => act('retry', id).then(() => anyKind.status(id)),
  remove: (id) => act('delete', id),
}

/** How high its box is, in rem: for what `StageNode` shows of it. */
export function boxHeight({ count, counts, status, error_message }: Stage): number {
  if (count > 1) return Object.keys(counts).length > 2 ? 8.5 : 7.5
  if (error_message) return 8
  return status === 'processing' ? 6.25 : 5.25
}

/** "12 completed, 1 failed": what matters most first. */
export function countsSentence(counts: Record<string, number>): string {
  return STEP_STATUSES.filter((status) => counts[status])
    .map((status) => t(`count.${status}`, { n: counts[status]! }))
    .join(', ')
}
