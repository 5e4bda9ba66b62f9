/**
 * The languages of the page, by their own names. The first one is complete: what a feature does not
 * say in another language is shown in it. docs/languages.md tells how to add one, or to have one only.
 */
export const LOCALES = { en: 'English', de: 'Deutsch' } as const

export type Locale = keyof typeof LOCALES

export const locales = Object.keys(LOCALES) as Locale[]
export const FALLBACK = locales[0]!

export function isLocale(name: unknown): name is Locale {
  return locales.includes(name as Locale)
}
