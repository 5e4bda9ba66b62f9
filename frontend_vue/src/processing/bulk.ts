import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, ref, toValue, type MaybeRefOrGetter } from 'vue'

import { actingAsNow } from '@/api/acting'
import { api as http, unwrap } from '@/api/client'
import type { components } from '@/api/schema'

import { toast } from '@/ui/toast'

import { t } from './locales'
import { pollInterval } from './polling'
import { keys } from './queries'
import type { Conditions, ProcessingApi, Status } from './types'
import { countThings, type Nouns } from './wording'

export type Outcome = components['schemas']['Outcome']
export type BulkAction = 'cancel' | 'retry' | 'delete'
/** Requests by their ids, or all of a kind that meet some conditions. */
export type Selection = { ids: string[] } | { filter: Conditions & { kind: string } }

const COUNT_PAUSE = 10_000

/** What can be done with requests that have these statuses. */
export const canBe = (statuses: Set<Status>) => ({
  cancel: statuses.has('pending') || statuses.has('processing'),
  retry: statuses.has('failed') || statuses.has('cancelled'),
  delete: true,
  download: statuses.has('completed'),
})

/** How many requests have which status, of those that meet the conditions. */
export function useRequestCounts(api: ProcessingApi, conditions: MaybeRefOrGetter<Conditions>) {
  return useQuery({
    queryKey: computed(() => [...keys.list(api.feature), 'by-status', toValue(conditions)]),
    queryFn: ({ signal }) =>
      unwrap(
        http.GET('/requests/status-counts/', {
          params: { query: { kind: api.feature, ...toValue(conditions) } },
          signal,
        }),
      ).then(({ status }) => status as Record<Status, number>),
    refetchInterval: ({ state: { data, error } }) => {
      const pause = pollInterval(!!data && data.pending + data.processing > 0, error)
      return pause && Math.max(pause, COUNT_PAUSE)
    },
    placeholderData: (before) => before,
    retry: false,
  })
}

type Call = { body: Selection; headers: Record<string, string> }

const act = {
  cancel: (call: Call) => unwrap(http.POST('/requests/cancel/', call)),
  retry: (call: Call) => unwrap(http.POST('/requests/retry/', call)),
  // Goes on when the page is left: a deletion that could be undone is sent then.
  delete: (call: Call) => unwrap(http.POST('/requests/delete/', { ...call, keepalive: true })),
}

/**
 * Asks until nothing remains: the server ends a call before it takes long.
 * @param onProgress is told after each call how many were done, and how many remain
 * @param headers for which account: meanwhile somebody may act for another one
 */
export async function actOnAll(
  action: BulkAction,
  selection: Selection,
  onProgress?: (done: number, remaining: number) => void,
  headers = actingAsNow(),
): Promise<Outcome> {
  const total: Outcome = { done: 0, unchanged: 0, remaining: 0, refused: [] }
  let latest: Outcome
  do {
    latest = await act[action]({ body: selection, headers })
    total.done += latest.done
    onProgress?.(total.done, latest.remaining)
  } while (latest.remaining && latest.done)
  return { ...total, refused: latest.refused, remaining: latest.remaining }
}

/** Say why some requests were left as they are, with the server's sentences. */
export function tellRefusals({ refused }: Outcome, nouns: Nouns): void {
  for (const { count: n, message: reason } of refused) {
    toast(t('bulk.unchanged', { n, amount: countThings(n, nouns), reason }), { tone: 'bad' })
  }
}

/** What the bar below a selection does. */
export function useBulk(api: ProcessingApi) {
  const client = useQueryClient()
  const busy = ref<BulkAction | 'download' | null>(null)
  /** While there is more than one call to make: how far it is, in words. */
  const progress = ref('')
  const tell = (done: number, remaining: number) => {
    progress.value = remaining ? t('bulk.progress', { done, all: done + remaining }) : ''
  }

  async function during<T>(name: BulkAction | 'download', work: () => Promise<T>): Promise<T> {
    busy.value = name
    try {
      return await work()
    } finally {
      busy.value = null
      progress.value = ''
    }
  }

  return {
    busy,
    progress,
    run: (action: BulkAction, selection: Selection) =>
      during(action, () => actOnAll(action, selection, tell)).finally(() =>
        client.invalidateQueries({ queryKey: [api.feature] }),
      ),
    archive: (body: Selection) =>
      during('download', () => unwrap(http.POST('/requests/download/', { body }))),
  }
}
