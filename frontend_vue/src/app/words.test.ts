import { parse } from '@vue/compiler-sfc'
import ts from 'typescript'
import { expect, test } from 'vitest'

import { FALLBACK, locales } from '@/i18n/locales'

/** Rooms whose messages are complete in every language; a feature may have fewer languages. */
const isCore = (path: string) => !path.startsWith('features/')

/** Not for people, or the same in every language. */
const ALLOWED = new Set(['Shift + x', 'Standard Webhooks'])

/** Attributes and props that people read. */
const SHOWN =
  /^(?:aria-(?:label|description|valuetext)|alt|title|placeholder|label|hint|description|action|invitation|thing|list-title|searched|text)$/

const sources = load(
  import.meta.glob<string>('../**/*.{ts,vue}', { query: '?raw', import: 'default', eager: true }),
)
const files = load(
  import.meta.glob<string>('../**/locales/**/*.json', {
    query: '?raw',
    import: 'default',
    eager: true,
  }),
)

/** Texts by their paths below src/. */
function load(found: Record<string, string>): Map<string, string> {
  return new Map(
    Object.entries(found)
      .map(([path, text]) => [resolve('app/words.test.ts', path), text] as const)
      .filter(([path]) => !/\.test\.ts$|testing\.ts$|fake\w+\.ts$|schema\.d\.ts$/.test(path)),
  )
}

function resolve(from: string, path: string): string {
  return new URL(path, `file:///${from}`).pathname.slice(1)
}

/** NDVI, SHA-256: the same in every language. */
const isAbbreviation = (text: string) => /^\p{Lu}[\p{Lu}\d-]*:?$/u.test(text)
const isAddress = (text: string) => /^(?:\/|https?:)/.test(text)
const hasWords = (text: string) =>
  /\p{L}{2}/u.test(text) &&
  !ALLOWED.has(text.trim()) &&
  !isAddress(text) &&
  !isAbbreviation(text.trim())
const isSentence = (text: string) => /^[“"]?\p{Lu}/u.test(text.trim()) || /\p{L} \p{L}/u.test(text)

interface Node {
  type: number
  tag?: string
  content?: unknown
  props?: Node[]
  name?: string
  value?: { content: string }
  arg?: { content?: string }
  exp?: { content?: string }
  children?: Node[]
}

/** What a template says without asking for a message. */
function rawInTemplate(source: string): string[] {
  const found: string[] = []
  function visit(node: Node) {
    if (['code', 'kbd', 'style', 'pre'].includes(node.tag ?? '')) return
    if (node.type === 2 && hasWords(node.content as string)) found.push(String(node.content).trim())
    if (node.type === 5) found.push(...literals((node.content as { content: string }).content))
    for (const prop of node.props ?? []) {
      const name = prop.arg?.content ?? prop.name ?? ''
      if (!SHOWN.test(name)) continue
      if (prop.type === 6 && hasWords(prop.value?.content ?? '')) found.push(prop.value!.content)
      if (prop.type === 7) found.push(...literals(prop.exp?.content ?? ''))
    }
    for (const child of node.children ?? []) visit(child)
  }
  const ast = parse(source).descriptor.template?.ast
  if (ast) visit(ast as unknown as Node)
  return found
}

/** Texts of an expression that are shown as they are. */
function literals(expression: string): string[] {
  const messages = /\bt\((?:[^()]|\([^()]*\))*\)/g
  return [...expression.replaceAll(messages, '').matchAll(/'([^']*)'|`([^`]*)`/g)]
    .map(([, plain, template]) => plain ?? template!.replaceAll(/\$\{[^}]*\}/g, ''))
    .filter((text) => hasWords(text) && isSentence(text))
}

/** Sentences in the code, except what only developers see. */
function rawInCode(text: string): string[] {
  const found: string[] = []
  function visit(node: ts.Node) {
    if (ts.isNewExpression(node) || ts.isImportDeclaration(node)) return
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node)) {
      const sentence = /^[“"]?\p{Lu}\p{Ll}+.* \p{L}/u.test(node.text)
      const label =
        ts.isPropertyAssignment(node.parent) &&
        node.parent.initializer === node &&
        SHOWN.test(node.parent.name.getText()) &&
        isSentence(node.text)
      if ((sentence || label) && hasWords(node.text)) found.push(node.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('x.ts', text, ts.ScriptTarget.Latest, true))
  return found
}

/** Whether a feature has messages; one that was written before may still have its texts in place. */
const hasMessages = (path: string) => {
  const [features, name] = path.split('/')
  return [...files.keys()].some((file) => file.startsWith(`${features}/${name}/locales/`))
}

test('what people read is a message', () => {
  const raw = [...sources]
    .filter(([path]) => isCore(path) || hasMessages(path))
    .flatMap(([path, source]) => {
      const script = path.endsWith('.vue')
        ? (parse(source).descriptor.scriptSetup?.content ?? '')
        : source
      const template = path.endsWith('.vue') ? rawInTemplate(source) : []
      return [...template, ...rawInCode(script)].map((text) => `${path}: ${text}`)
    })
  expect(raw).toEqual([])
}, 60_000) // it parses every file

/** Of each folder with messages, those of each language. */
const catalogues = new Map<string, Map<string, Record<string, string>>>()
for (const [path, text] of files) {
  const [, folder, language] = /^(.*)\/(\w+)\.json$/.exec(path)!
  const known = catalogues.get(folder!) ?? new Map()
  catalogues.set(folder!, known.set(language!, JSON.parse(text)))
}

/** One or several of a thing: another language may need the other one. */
const oneOf = (name: string) => (name === 'things' ? 'thing' : name)
const parameters = (message: string) =>
  [...new Set(Array.from(message.matchAll(/\{(\w+)\}/g), ([, name]) => oneOf(name!)))].sort()

/** Forms for different numbers. */
const forms = (message: string) => message.replaceAll(/\{'[^']*'\}/g, '').split('|').length

function mayHave(language: string, count: number): boolean {
  const { pluralCategories } = new Intl.PluralRules(language).resolvedOptions()
  return [1, pluralCategories.length, pluralCategories.length + 1].includes(count)
}

/** What is wrong with a language of a folder, compared with the first one. */
function faults(folder: string, language: string): string[] {
  const first = catalogues.get(folder)!.get(FALLBACK) ?? {}
  const messages = catalogues.get(folder)!.get(language) ?? {}
  const missing = Object.keys(first).filter((key) => !(key in messages))
  const unlike = Object.entries(messages).filter(
    ([key, message]) =>
      !first[key] ||
      !message.trim() ||
      message.trim() !== message ||
      parameters(message).join() !== parameters(first[key]).join() ||
      !mayHave(language, forms(message)) ||
      forms(message) > 1 !== forms(first[key]) > 1,
  )
  return [...missing, ...unlike.map(([key]) => key)]
}

test.each([...catalogues.keys()])('%s says the same in every language', (folder) => {
  const languages = [...catalogues.get(folder)!.keys()]
  expect(languages).toEqual(expect.arrayContaining(isCore(folder) ? locales : [FALLBACK]))
  const found = languages.map((language) => [language, faults(folder, language)])
  expect(found).toEqual(languages.map((language) => [language, []]))
})

/** The files that can use a folder's messages: those of its room. */
function users(folder: string): string[] {
  const room = folder.slice(0, folder.indexOf('/locales') + 1)
  return [...sources].filter(([path]) => path.startsWith(room)).map(([, text]) => text)
}

test.each([...catalogues.keys()])('every message of %s is used, with its parameters', (folder) => {
  const texts = users(folder)
  const prefixes = texts.flatMap((text) =>
    Array.from(text.matchAll(/\bt\w*\(\s*`([\w.]*)\$\{/g), ([, prefix]) => prefix!),
  )
  const messages = catalogues.get(folder)!.get(FALLBACK)!
  const unused = Object.keys(messages).filter(
    (key) =>
      !texts.some((text) => text.includes(`'${key}'`)) &&
      !prefixes.some((prefix) => prefix && key.startsWith(prefix)),
  )
  expect(unused).toEqual([])

  const calls = texts.flatMap((text) => [
    ...text.matchAll(/\bt\(\s*'([\w.]+)'\s*(?:,\s*(\{[^}]*\}|[^)]*))?\)/g),
  ])
  const incomplete = calls.filter(([, key, values = '']) => {
    const wanted = parameters(messages[key!] ?? '')
    if (values && !values.startsWith('{')) return false
    return wanted.some((name) => !new RegExp(`\\b${name}s?\\b`).test(values))
  })
  expect(incomplete.map(([call]) => call)).toEqual([])
})
