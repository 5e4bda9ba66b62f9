import { ref } from 'vue'

import type { components } from '@/api/schema'

type Schemas = components['schemas']

/** What the server tells, by the name of the event. */
export interface Events {
  'stream.state': Schemas['StreamState']
  'stream.reset': Schemas['StreamReset']
  'request.changed': Schemas['AnyKindRequest']
  'request.deleted': Schemas['DeletedRequest']
  'usage.changed': Schemas['Usage']
  'notification.created': Schemas['Notification']
  'notification.unread': Schemas['Unread']
}

/** Whether the server tells of changes by itself, so that asking for them can wait. */
export const isLive = ref(false)
