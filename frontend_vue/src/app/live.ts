import type { Router } from 'vue-router'

import { sessionQuery } from '@/account/session'
import { queryClient } from '@/api/queryClient'
import { env } from '@/env'
import { isLive } from '@/live/state'
import { followEvents } from '@/live/stream'
import { notificationHandlers, tellByCount } from '@/notifications/live'
import { unreadQuery } from '@/notifications/queries'
import { requestHandlers, watchEnds } from '@/processing/live'

let isFollowing = false

/**
 * Follows the server's events from now on; once, however often the shell is shown. Without a stream
 * new notifications are found by their count, which is asked for when a request is seen to end.
 */
export function follow(router: Router) {
  if (isFollowing) return
  isFollowing = true
  const requests = requestHandlers(queryClient)
  const notifications = notificationHandlers(queryClient, router)
  tellByCount(queryClient, notifications['notification.created'])
  watchEnds(queryClient, () => {
    if (!isLive.value) void queryClient.invalidateQueries(unreadQuery)
  })
  if (!env.live) return
  followEvents(
    queryClient,
    {
      ...requests,
      ...notifications,
      'request.deleted': (request) => {
        requests['request.deleted'](request)
        notifications['request.deleted']()
      },
    },
    () => !!queryClient.getQueryData(sessionQuery.queryKey)?.user,
  )
}
