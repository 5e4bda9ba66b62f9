import type { QueryClient } from '@tanstack/vue-query'
import { ref } from 'vue'
import type { Router } from 'vue-router'

import type { components } from '@/api/schema'

type Schemas = components['schemas']

/** What the server tells, by the name of the event. A feature adds its own by `declare module`. */
export interface Events {
  'stream.state': Schemas['StreamState']
  'stream.reset': Schemas['StreamReset']
  'request.changed': Schemas['AnyKindRequest']
  'request.deleted': Schemas['DeletedRequest']
  'usage.changed': Schemas['Usage']
}

type Name = keyof Events
export type Handlers = { [N in Name]?: (data: Events[N]) => void }

/** What a feature begins when the app is shown. */
export type Follow = (
  client: QueryClient,
  router: Router,
) => {
  handlers: Handlers
  /** Called when a request is seen to end. */
  onEnd?: () => void
}

/** Whether the server tells of changes by itself, so that asking for them can wait. */
export const isLive = ref(false)
