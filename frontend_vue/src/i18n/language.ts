import { computed, readonly, shallowRef } from 'vue'

import { isLocale, type Locale, locales } from './locales'

const KEY = 'language'
const WANTED = navigator.languages

/** The first language of the browser that the page speaks. */
export function browserLanguage(wanted: readonly string[] = WANTED): Locale {
  return wanted.map((tag) => tag.split('-')[0]).find(isLocale) ?? locales[0]!
}

/** What was chosen in this browser, by whoever was not signed in. */
export function rememberedLanguage(): Locale | undefined {
  try {
    const found = localStorage.getItem(KEY)
    return isLocale(found) ? found : undefined
  } catch {
    return undefined // Storage is blocked: the choice lasts until the page is left.
  }
}

export function rememberLanguage(choice: Locale | undefined): void {
  try {
    if (choice) localStorage.setItem(KEY, choice)
    else localStorage.removeItem(KEY)
  } catch {
    // See rememberedLanguage().
  }
}

const current = shallowRef<Locale>(rememberedLanguage() ?? browserLanguage())

/** The language of the page. Whatever reads it while rendering is rendered anew when it changes. */
export const language = readonly(current)

/** The language as the browser has it, such as "en-GB": how numbers and dates are written. */
export const formatTag = computed(() => tagOf(current.value))

const formatters = new Map<string, unknown>()

/**
 * A formatter of `Intl` for the language of the page. Each is kept: to make one takes longer than
 * to write what a whole list says with it.
 */
export function formatter<Formatter, Options>(
  Kind: new (tag: string, options: Options) => Formatter,
  options: Options,
): Formatter {
  const key = `${Kind.name} ${formatTag.value} ${JSON.stringify(options)}`
  if (!formatters.has(key)) formatters.set(key, new Kind(formatTag.value, options))
  return formatters.get(key) as Formatter
}

export function tagOf(locale: Locale, wanted: readonly string[] = WANTED): string {
  return wanted.find((tag) => tag.split('-')[0] === locale && isTag(tag)) ?? locale
}

/** Some browsers name what the system says, such as "en-US@posix", which Intl refuses. */
function isTag(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length > 0
  } catch {
    return false
  }
}

/** Switches at once. The messages must be there: see `switchLanguage` of the catalogues. */
export function setLanguage(next: Locale): void {
  current.value = next
  document.documentElement.lang = next
}

setLanguage(current.value)
