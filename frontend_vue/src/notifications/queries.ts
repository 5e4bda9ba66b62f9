import { queryOptions } from '@tanstack/vue-query'

import { api, unwrap } from '@/api/client'
import { serverNow } from '@/api/clock'
import type { components } from '@/api/schema'

type Schemas = components['schemas']
export type Preference = Schemas['NotificationPreference']
export type MailChoice = NonNullable<Preference['mail']>
export type Webhook = Schemas['Webhook']
export type WebhookEvent = Webhook['events'][number]
export type Delivery = Schemas['WebhookDelivery']

export const EVENTS: { value: WebhookEvent; label: string }[] = [
  { value: 'request.completed', label: 'A request completes' },
  { value: 'request.failed', label: 'A request fails' },
  { value: 'request.cancelled', label: 'A request is cancelled' },
]

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
