import { sessionQuery } from '@/account/session'
import { queryClient } from '@/api/queryClient'
import { followEvents } from '@/live/stream'
import { requestHandlers } from '@/processing/live'

followEvents(
  queryClient,
  requestHandlers(queryClient),
  () => !!queryClient.getQueryData(sessionQuery.queryKey)?.user,
)
