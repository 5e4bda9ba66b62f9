import type { Router } from 'vue-router'

import { sessionQuery } from '@/account/session'
import { queryClient } from '@/api/queryClient'
import { followEvents } from '@/live/stream'
import { notificationHandlers } from '@/notifications/live'
import { requestHandlers } from '@/processing/live'

let isFollowing = false

/** Follows the server's events from now on; once, however often the shell is shown. */
export function follow(router: Router) {
  if (isFollowing) return
  isFollowing = true
  const requests = requestHandlers(queryClient)
  const notifications = notificationHandlers(queryClient, router)
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
