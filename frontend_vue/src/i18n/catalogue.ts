import { compile, createMessageContext } from '@intlify/core-base'
import { shallowReactive } from 'vue'

import { formatter, language, setLanguage } from './language'
import { FALLBACK, type Locale } from './locales'

/** Compiled by the build (vite.config.ts): a plain text, or the tree of one with parameters. */
type Message = string | Parameters<typeof compile>[0]
type Messages = Record<string, Message>
type Values = Record<string, string | number>

const catalogues: ((wanted: Locale) => Promise<void>)[] = []

/**
 * The messages of one place, in a file for each language. Only those of the language in use are
 * loaded, beginning now; pages are shown when they have arrived.
 *
 * @param files what `import.meta.glob` finds
 * @returns `t(key, values)`, to be called when the text is shown, so that it follows the language.
 *   Numbers among the values are written as the language does; `n` chooses between plural forms.
 */
export function catalogue<Keys extends object>(files: Record<string, () => Promise<unknown>>) {
  const known = shallowReactive(new Map<Locale, { of: Locale; messages: Messages }>())

  async function load(wanted: Locale) {
    if (known.has(wanted)) return
    const of = files[`./${wanted}.json`] ? wanted : FALLBACK
    known.set(wanted, { of, messages: (await files[`./${of}.json`]!()) as Messages })
  }
  catalogues.push(load)
  load(language.value).catch(() => {}) // whoever waits for it loads it again, and sees the error

  return (key: keyof Keys & string, values?: Values): string => {
    const found = known.get(language.value)
    return found ? render(found.messages[key] ?? key, found.of, values) : ''
  }
}

/** Waits for the messages of everything that is loaded. */
export async function messagesReady(wanted: Locale = language.value): Promise<void> {
  await Promise.all(catalogues.map((load) => load(wanted)))
}

let wish: Locale | undefined

/** Loads what the page says in another language, then says it, unless another one was chosen since. */
export async function switchLanguage(next: Locale): Promise<void> {
  wish = next
  if (next === language.value) return
  await messagesReady(next)
  if (wish === next) setLanguage(next)
}

function render(message: Message, of: Locale, values: Values = {}): string {
  if (typeof message === 'string') return message
  const named = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === 'number' ? formatNumber(value) : value,
    ]),
  )
  const pluralIndex = typeof values.n === 'number' ? values.n : undefined
  const context = createMessageContext({
    locale: of,
    named,
    pluralIndex,
    pluralRules: { [of]: form },
  })
  return compile(message, {} as never)(context) as string

  /** The place of a form among those of a message; one more than the language has is of zero. */
  function form(count: number, forms: number) {
    const rules = new Intl.PluralRules(of)
    const { pluralCategories } = rules.resolvedOptions()
    const names = ORDER.filter((name) => pluralCategories.includes(name))
    const more = forms - names.length
    if (more === 1 && count === 0) return 0
    return Math.min(names.indexOf(rules.select(count)) + Math.max(0, more), forms - 1)
  }
}

const ORDER: Intl.LDMLPluralRule[] = ['zero', 'one', 'two', 'few', 'many', 'other']

/** A number with the decimal sign of the language, and thin spaces for thousands in all of them. */
export function formatNumber(value: number, options: Intl.NumberFormatOptions = {}): string {
  return formatter(Intl.NumberFormat, { maximumFractionDigits: 20, ...options })
    .formatToParts(value)
    .map(({ type, value: text }) => (type === 'group' ? '\u202f' : text))
    .join('')
}
