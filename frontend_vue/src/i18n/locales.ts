import { env } from '@/env'

/**
 * The languages of the page, by their own names. The first one is complete: what a feature does not
 * say in another language is shown in it.
 */
export const LOCALES = { en: 'English', de: 'Deutsch' } as const

export type Locale = keyof typeof LOCALES

const all = Object.keys(LOCALES) as Locale[]
export const FALLBACK = all[0]!

/** Those of them that the server speaks as well, and the one that is usual there first. */
export const locales = offered(env.languages)

export function offered(spoken: string[]): Locale[] {
  const both = spoken.filter((name): name is Locale => all.includes(name as Locale))
  return both.length ? both : all
}

export function isLocale(name: unknown): name is Locale {
  return locales.includes(name as Locale)
}
