import type { Router } from 'vue-router'

import { sessionQuery } from '@/account/session'
import { queryClient } from '@/api/queryClient'
import { env } from '@/env'
import type { Handlers } from '@/live/state'
import { followEvents } from '@/live/stream'
import { requestHandlers, watchEnds } from '@/processing/live'

import { accountModules } from './features'

let isFollowing = false

/** Follows the server's events from now on; once, however often the shell is shown. */
export async function follow(router: Router) {
  if (isFollowing) return
  isFollowing = true
  const loaded = await Promise.allSettled(accountModules.map(({ live }) => live?.()))
  const parts = loaded.flatMap((one) =>
    one.status === 'fulfilled' && one.value ? one.value.default(queryClient, router) : [],
  )
  watchEnds(queryClient, () => parts.forEach(({ onEnd }) => onEnd?.()))
  if (!env.live) return
  followEvents(
    queryClient,
    together([requestHandlers(queryClient), ...parts.map(({ handlers }) => handlers)]),
    () => !!queryClient.getQueryData(sessionQuery.queryKey)?.user,
  )
}

/** Handlers that call, for each event, those of all. */
function together(all: Handlers[]): Handlers {
  const names = new Set(all.flatMap((handlers) => Object.keys(handlers) as (keyof Handlers)[]))
  return Object.fromEntries(
    [...names].map((name) => [
      name,
      (data: never) => all.forEach((handlers) => handlers[name]?.(data)),
    ]),
  )
}
