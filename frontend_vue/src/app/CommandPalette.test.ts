import { DOMWrapper, flushPromises } from '@vue/test-utils'
import { beforeEach, expect, test, vi } from 'vitest'
import { defineComponent, effectScope } from 'vue'

import { show, stubApi, USER } from '@/account/testing'
import { useCommands } from '@/ui/commands'

import CommandPalette from './CommandPalette.vue'

const REQUESTS = {
  count: 1,
  page: 1,
  page_size: 8,
  pages: 1,
  results: [{ id: '7', kind: 'things', name: 'Dunes', status: 'completed' }],
}
const SESSION = { user: USER, registration_open: true, google_url: null }
const LINKS = [
  { name: 'admin', url: '/admin/' },
  { name: 'Mails', url: 'https://mail.example.org' },
]

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  return () => vi.useRealTimers()
})

const body = () => new DOMWrapper(document.body)
const options = () => body().findAll('[role=option]')
const titles = () => options().map((option) => option.text())
const field = () => body().get<HTMLInputElement>('[role=combobox]')

async function type(text: string) {
  await field().setValue(text)
  vi.advanceTimersByTime(200)
  await flushPromises()
}

/** Shows the palette over a page that offers a command. */
async function open(links: object[] = [], run = () => {}) {
  stubApi({
    'GET /auth/session/': [200, { ...SESSION, links }],
    'GET /requests/list/': [200, REQUESTS],
  })
  const closed = vi.fn<() => void>()
  const page = defineComponent({
    components: { CommandPalette },
    setup() {
      useCommands(() => [{ id: 'burn', title: 'Burn it', here: true, run }])
      return { closed }
    },
    template: '<button>Before</button><CommandPalette @close="closed" />',
  })
  const shown = await show(page)
  await flushPromises()
  return { ...shown, closed }
}

test('pages and actions are found by typing, and the first of them is what Enter does', async () => {
  await open()
  expect(titles()).toEqual(expect.arrayContaining(['Your account', 'Sign out']))
  await type('acc')
  expect(titles()).toContain('Your account')
  expect(titles()).not.toContain('Sign out')
  const first = options()[0]!
  expect(field().attributes('aria-activedescendant')).toBe(first.attributes('id'))
  expect(field().attributes('aria-controls')).toBe(body().get('[role=listbox]').attributes('id'))
})

test('where nothing is found, nothing is said to be chosen', async () => {
  await open()
  expect(field().attributes('aria-activedescendant')).toBeTruthy()
  stubApi({ 'GET /requests/list/': [200, { ...REQUESTS, count: 0, results: [] }] })
  await type('qqq')
  expect(titles()).toEqual([])
  expect(field().attributes('aria-activedescendant')).toBeUndefined()
  expect(body().text()).toContain('Nothing found')
})

test('what a page offers for what is open stands first, and runs after the palette is closed', async () => {
  const run = vi.fn<() => void>()
  const { closed } = await open([], run)
  expect(titles()[0]).toBe('Burn it')
  await field().trigger('keydown', { key: 'Enter' })
  vi.runAllTimers()
  await flushPromises()
  expect(closed).toHaveBeenCalledOnce()
  expect(run).toHaveBeenCalledOnce()
})

test('requests are searched on the server, and lead to their pages', async () => {
  const { router } = await open()
  await type('dunes')
  expect(titles()).toEqual([expect.stringContaining('Dunes')])
  await options()[0]!.trigger('click')
  vi.runAllTimers()
  await flushPromises()
  expect(router.currentRoute.value.path).toBe('/requests/7')
})

test('Enter does not open what was found by the words before', async () => {
  const { router, closed } = await open()
  await type('dunes')
  await field().setValue('dune')
  expect(titles()).toEqual([expect.stringContaining('Dunes')])
  await field().setValue('iceland')
  await field().trigger('keydown', { key: 'Enter' })
  vi.advanceTimersByTime(200) // now the server is asked, and has not answered
  await field().trigger('keydown', { key: 'Enter' })
  vi.runAllTimers()
  await flushPromises()
  expect(closed).not.toHaveBeenCalled()
  expect(router.currentRoute.value.path).toBe('/here')
})

test('the doors of staff are offered as the server names them', async () => {
  await open(LINKS)
  expect(titles()).toEqual(expect.arrayContaining(['Admin', 'Mails']))
})

test('a command that is offered by nobody any more is not shown', async () => {
  const scope = effectScope()
  scope.run(() => useCommands(() => [{ id: 'gone', title: 'Gone soon' }]))
  await open()
  expect(titles()).toContain('Gone soon')
  scope.stop()
  await flushPromises()
  expect(titles()).not.toContain('Gone soon')
})
