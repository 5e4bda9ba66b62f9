import type { AccountModule } from '@/account/module'

/** What users are told of requests that have ended: in the app, by mail, by webhooks. */
export default {
  section: () => import('./NotificationSections.vue'),
} satisfies AccountModule
