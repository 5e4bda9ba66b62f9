import { keepPreviousData, queryOptions } from '@tanstack/vue-query'
import type { Router } from 'vue-router'

import { api, unwrap } from '@/api/client'
import { serverNow } from '@/api/clock'
import { queryClient } from '@/api/queryClient'
import type { components } from '@/api/schema'
import { isLive } from '@/live/state'
import { requestPath } from '@/processing/pipeline'

type Schemas = components['schemas']
export type Preference = Schemas['NotificationPreference']
export type When = Schemas['NotificationWhen']
export type Notification = Schemas['Notification']
export type Webhook = Schemas['Webhook']
export type WebhookEvent = Webhook['events'][number]
export type Delivery = Schemas['WebhookDelivery']

export const EVENTS = [
  { value: 'request.completed', label: 'hooks.event.completed' },
  { value: 'request.failed', label: 'hooks.event.failed' },
  { value: 'request.cancelled', label: 'hooks.event.cancelled' },
] as const satisfies { value: WebhookEvent; label: string }[]

export const inboxKey = ['notifications', 'inbox']
/** While the server does not tell of changes by itself. */
const INTERVAL = 30_000
const refetchInterval = () => (isLive.value ? false : INTERVAL)

/** How many notifications are unread; hidden tabs have it in their title. */
export const unreadQuery = queryOptions({
  queryKey: ['notifications', 'unread'],
  queryFn: ({ signal }) => unwrap(api.GET('/notifications/unread/', { signal })),
  refetchInterval,
  refetchIntervalInBackground: true,
})

/** A page of the notifications, newest first. */
export const inboxQuery = (query: { page: number; unread?: true }) =>
  queryOptions({
    queryKey: [...inboxKey, query],
    queryFn: ({ signal }) => unwrap(api.GET('/notifications/', { params: { query }, signal })),
    refetchInterval,
    placeholderData: keepPreviousData,
  })

/** Marks notifications as read, on the server and here. */
export async function markRead(which: Schemas['NotificationReadRequest']): Promise<void> {
  const unread = await unwrap(api.POST('/notifications/read/', { body: which }))
  queryClient.setQueryData(unreadQuery.queryKey, unread)
  await queryClient.invalidateQueries({ queryKey: inboxKey })
}

/** The page of what a notification is about; that of a batch is the list of its kind, narrowed. */
export function pageOf(router: Router, notification: Notification) {
  const { request, request_kind: kind, batch } = notification
  if (request) return requestPath(router, kind, request)
  return router.resolve(`/${kind}`).name === 'missing' ? undefined : `/${kind}?batch=${batch}`
}

export const isFailure = ({ kind }: Notification) => kind.endsWith('.failed')

/** Whether a preference asks for a notification. */
export const isWanted = (when: When | undefined, notification: Notification) =>
  when === 'ended' || (when === 'failed' && isFailure(notification))

export const preferenceQuery = queryOptions({
  queryKey: ['notifications', 'preference'],
  queryFn: ({ signal }) => unwrap(api.GET('/notifications/preferences/', { signal })),
})

/** All of them: a user has a handful. */
export const webhooksQuery = queryOptions({
  queryKey: ['notifications', 'webhooks'],
  queryFn: async ({ signal }) => {
    const query = { page_size: 100 }
    return (await unwrap(api.GET('/notifications/webhooks/', { params: { query }, signal })))
      .results
  },
})

/** Whether something is about to happen to it; an attempt that is made now may take so long. */
const isMoving = ({ next_attempt_at: next }: Delivery) =>
  !!next && Date.parse(next) < serverNow() + 180_000

/** The newest deliveries; looked at often while one is on its way. */
export const deliveriesQuery = (id: string) =>
  queryOptions({
    queryKey: ['notifications', 'deliveries', id],
    queryFn: ({ signal }) =>
      unwrap(
        api.GET('/notifications/webhooks/{id}/deliveries/', { params: { path: { id } }, signal }),
      ),
    refetchInterval: ({ state }) => (state.data?.results.some(isMoving) ? 2000 : 15_000),
  })
