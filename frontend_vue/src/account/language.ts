import { switchLanguage } from '@/i18n/catalogue'
import { rememberLanguage } from '@/i18n/language'
import { isLocale } from '@/i18n/locales'

import type { User } from './session'

/**
 * Shows the page in the language of the account, and remembers it, so that the next visit begins in
 * it. An account without one leaves it to this browser.
 */
export async function followAccount(user: User | null): Promise<void> {
  const wanted = user?.language
  if (!isLocale(wanted)) return
  rememberLanguage(wanted)
  await switchLanguage(wanted)
}
