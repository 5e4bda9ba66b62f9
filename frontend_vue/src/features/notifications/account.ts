import type { AccountModule } from '@/account/module'

import { t } from './locales/first'

/** What users are told of requests that have ended: in the app, by mail, by webhooks. */
export default {
  section: () => import('./NotificationSections.vue'),
  pages: [
    {
      path: '/notifications',
      component: () => import('./NotificationsPage.vue'),
      meta: { title: () => t('title') },
    },
  ],
  headerPart: () => import('./NotificationBell.vue'),
  commands: () => import('./commands'),
  live: () => import('./live'),
} satisfies AccountModule
