import type { AccountModule } from '@/account/module'

/** Accounts that several people act for: who is in them, and for which one works. */
export default {
  section: () => import('./TeamsSection.vue'),
  menuPart: () => import('./TeamSwitch.vue'),
} satisfies AccountModule
