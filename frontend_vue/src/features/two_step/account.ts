import { useQuery } from '@tanstack/vue-query'

import type { AccountModule } from '@/account/module'

import CodeField from './CodeField.vue'
import { t } from './locales/first'
import { mfaQuery } from './queries'

/** The second step at sign-in: a code of an authenticator app, or a passkey. */
export default {
  routes: [
    {
      path: '/login/code',
      component: () => import('./CodePage.vue'),
      meta: { title: () => t('title') },
    },
  ],
  section: () => import('./MfaSection.vue'),
  signInPart: () => import('./PasskeyButton.vue'),
  heldBy: 'second_step_required',
  proof: {
    names: ['code', 'passkey'],
    askedBy: 'mfa_required',
    useAsked() {
      const { data } = useQuery(mfaQuery)
      return () => Boolean(data.value?.enabled)
    },
    field: CodeField,
  },
} satisfies AccountModule
