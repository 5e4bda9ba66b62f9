import type { QueryClient } from '@tanstack/vue-query'

import { useActing } from '@/api/acting'
import type { Events } from '@/live/state'

import { keys } from './queries'
import { isFinal, type Status } from './types'

type Told = Events['request.changed']
type Row = { id: string; status: Status; progress: number }
const AGAIN = 1000

/** Puts what the server tells into what the page knows, wherever that shows it. */
export function requestHandlers(client: QueryClient) {
  const acting = useActing()
  const stale = new Set<string>()
  let timer: ReturnType<typeof setTimeout> | undefined

  /** Lists and counts are asked for once in a while, not for each of a hundred changes. */
  function refreshSoon(...words: string[]) {
    words.forEach((word) => stale.add(word))
    timer ??= setTimeout(() => {
      timer = undefined
      const wanted = new Set(stale)
      stale.clear()
      void client.invalidateQueries({
        // A request itself is told of when it changes.
        predicate: ({ queryKey, state }) =>
          !isRow(state.data) && queryKey.some((word) => wanted.has(word as string)),
      })
    }, AGAIN)
  }

  function changed(told: Told) {
    let isShown = false
    for (const query of client.getQueryCache().getAll()) {
      const data: unknown = query.state.data
      if (isRow(data) && data.id === told.id) {
        // What is under way may be older than what was told.
        void client.cancelQueries({ queryKey: query.queryKey, exact: true })
        client.setQueryData(query.queryKey, { ...data, ...told })
        if (data.status !== told.status) refreshSoon(told.id)
      } else if (hasRows(data)) {
        const row = data.results.find(({ id }) => id === told.id)
        if (!row) continue
        isShown = true
        const isOlder = query.state.fetchStatus === 'fetching'
        const results = data.results.map((each) => (each === row ? { ...row, ...told } : each))
        client.setQueryData(query.queryKey, { ...data, results })
        if (isOlder || row.status !== told.status) refreshSoon('list')
      }
    }
    if (told.parent) refreshSoon(told.parent)
    else if (!isShown) refreshSoon('list')
  }

  return {
    'request.changed': changed,
    'request.deleted': ({ id }: Events['request.deleted']) => {
      refreshSoon('list')
      void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey.includes(id) })
    },
    'usage.changed'(usage: Events['usage.changed']) {
      // What is told is what the person has used.
      if (acting.value) void client.invalidateQueries({ queryKey: keys.usage })
      else client.setQueryData(keys.usage, usage)
    },
  }
}

/** Calls back when a request that was open is seen to have ended, whatever asked for it. */
export function watchEnds(client: QueryClient, ended: () => void) {
  const open = new Set<string>()
  client.getQueryCache().subscribe(({ type, query }) => {
    if (type !== 'updated') return
    const data: unknown = query.state.data
    let hasEnded = false
    for (const { id, status } of isRow(data) ? [data] : hasRows(data) ? data.results : []) {
      if (!isFinal({ status })) open.add(id)
      else if (open.delete(id)) hasEnded = true
    }
    if (hasEnded) ended()
  })
}

function isRow(data: unknown): data is Row {
  return typeof data === 'object' && data !== null && 'id' in data && 'progress' in data
}

function hasRows(data: unknown): data is { results: Row[] } {
  const results = (data as { results?: unknown } | null | undefined)?.results
  return Array.isArray(results) && isRow(results[0])
}
