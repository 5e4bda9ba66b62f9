import { api, unwrap } from '@/api/client'
import { queryClient } from '@/api/queryClient'
import { switchLanguage } from '@/i18n/catalogue'
import { browserLanguage, rememberLanguage } from '@/i18n/language'
import { isLocale, type Locale } from '@/i18n/locales'

import { sessionQuery, type User } from './session'

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

/**
 * Stores the language of the account and shows the page in it.
 * @param language "" leaves it to the browser
 * @throws {ApiError} when it was not stored
 */
export async function chooseLanguage(language: Locale | ''): Promise<void> {
  const user = await unwrap(api.PATCH('/auth/user/', { body: { language } }))
  // First: who goes to another page meanwhile follows it too.
  queryClient.setQueryData(sessionQuery.queryKey, (known) => known && { ...known, user })
  rememberLanguage(language || undefined)
  await switchLanguage(language || browserLanguage())
  // What the API has said so far is in the language before.
  await queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'session' })
}
