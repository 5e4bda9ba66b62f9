import type { AccountPart } from '@/account/part'

/** Mails and webhooks about requests that have ended. */
export default {
  section: () => import('./NotificationSections.vue'),
} satisfies AccountPart
