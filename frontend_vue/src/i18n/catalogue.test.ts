import { baseCompile } from '@intlify/message-compiler'
import { afterEach, expect, test, vi } from 'vitest'
import { effectScope, nextTick, watchEffect } from 'vue'

import { catalogue, formatNumber, messagesReady, switchLanguage } from './catalogue'
import { browserLanguage, language, setLanguage } from './language'
import { slot, splitSlots } from './slots'

interface Keys {
  plain: string
  files: string
  none: string
  hello: string
}

const compile = (text: string) => baseCompile(text, { jit: true, optimize: true, minify: true }).ast

type Load = () => Promise<object>
const files = () => ({
  './en.json': vi.fn<Load>(async () => ({
    plain: 'Retry',
    files: compile('{n} file | {n} files'),
    none: compile('no files | {n} file | {n} files'),
    hello: compile('Hello {name}, go on'),
  })),
  './de.json': vi.fn<Load>(async () => ({
    plain: 'Erneut versuchen',
    files: compile('{n} Datei | {n} Dateien'),
    hello: compile('Hallo {name}, weiter'),
  })),
})

afterEach(() => setLanguage('en'))

test('a message has parameters and plural forms, and numbers as the language writes them', async () => {
  const t = catalogue<Keys>(files())
  await messagesReady()
  expect(t('plain')).toBe('Retry')
  expect(t('hello', { name: '<b>' })).toBe('Hello <b>, go on')
  expect([0, 1, 2, 12_345].map((n) => t('files', { n }))).toEqual([
    '0 files',
    '1 file',
    '2 files',
    '12\u202f345 files',
  ])
  expect([0, 1, 2].map((n) => t('none', { n }))).toEqual(['no files', '1 file', '2 files'])
})

test('only the language in use is loaded, and what is shown follows it', async () => {
  const found = files()
  const t = catalogue<Keys>(found)
  const shown: string[] = []
  const scope = effectScope()
  scope.run(() => watchEffect(() => shown.push(t('plain'))))
  await messagesReady()
  await nextTick()
  expect(found['./de.json']).not.toHaveBeenCalled()
  await switchLanguage('de')
  await nextTick()
  expect(shown).toEqual(['', 'Retry', 'Erneut versuchen'])
  expect(document.documentElement.lang).toBe('de')
  expect(formatNumber(1234.5)).toBe('1\u202f234,5')
  scope.stop()
})

test('a feature without a language is shown in the first', async () => {
  const { './en.json': en } = files()
  const t = catalogue<Keys>({ './en.json': en })
  await switchLanguage('de')
  expect(t('files', { n: 1 })).toBe('1 file')
})

test('a language whose messages do not come is not switched to', async () => {
  const { './de.json': de, ...others } = files()
  let isAway = true
  catalogue<Keys>({
    ...others,
    './de.json': () => (isAway ? Promise.reject(new Error('gone')) : de()),
  })
  await expect(switchLanguage('de')).rejects.toThrow('gone')
  expect(language.value).toBe('en')
  isAway = false
  await switchLanguage('de')
  expect(language.value).toBe('de')
})

test('the language that was chosen last is shown, also when another one comes later', async () => {
  let arrive: (messages: object) => void = () => {}
  catalogue<Keys>({
    './en.json': files()['./en.json'],
    './de.json': () => new Promise((resolve) => (arrive = resolve)),
  })
  const slow = switchLanguage('de')
  await switchLanguage('en')
  arrive({})
  await slow
  expect(language.value).toBe('en')
})

test.each([
  [['de-AT', 'en'], 'de'],
  [['fr', 'en-GB', 'de'], 'en'],
  [['fr'], 'en'],
  [[], 'en'],
])('a browser that wants %j gets %s', (wanted, expected) => {
  expect(browserLanguage(wanted)).toBe(expected)
})

test('slots of a message are told from its text', () => {
  expect(splitSlots(`Hello ${slot('name')}, go on`)).toEqual(['Hello ', 'name', ', go on'])
})
