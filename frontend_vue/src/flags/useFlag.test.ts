import { flushPromises } from '@vue/test-utils'
import { afterEach, expect, test } from 'vitest'
import { defineComponent } from 'vue'

import { show, stubApi, USER } from '@/account/testing'
import { actFor } from '@/api/acting'
import { queryClient } from '@/api/queryClient'

import { useFlag } from './useFlag'

const SESSION = { user: USER, links: [], registration_open: true, google_url: null }
const CALL = 'GET /flags/active/'
const Part = defineComponent({
  setup: () => ({ isOn: useFlag('new-map') }),
  template: '<b>{{ isOn ? "new" : "old" }}</b>',
})
const Page = defineComponent({ components: { Part }, template: '<Part /><Part />' })

afterEach(() => actFor(undefined))

async function open(active: string[], user: object | null = USER) {
  const answers: Parameters<typeof stubApi>[0] = {
    'GET /auth/session/': [200, { ...SESSION, user }],
    [CALL]: [200, { active }],
  }
  const sent = stubApi(answers)
  const { page } = await show(Page)
  await flushPromises()
  return { page, answers, calls: () => sent.filter(({ call }) => call === CALL).length }
}

test('a flag is on when the server says so, and asked for once by all', async () => {
  const { page, calls } = await open(['new-map', 'other'])
  expect(page.text()).toBe('newnew')
  expect(calls()).toBe(1)
})

test('a flag that the server does not name is off', async () => {
  expect((await open(['other'])).page.text()).toBe('oldold')
})

test('nobody is asked for a visitor', async () => {
  const { page, calls } = await open(['new-map'], null)
  expect(page.text()).toBe('oldold')
  expect(calls()).toBe(0)
})

test('a change is seen when the stream has the page read anew, and for another account', async () => {
  const { page, answers, calls } = await open([])
  answers[CALL] = [200, { active: ['new-map'] }]
  await queryClient.refetchQueries({ type: 'active', stale: true })
  await flushPromises()
  expect(page.text()).toBe('newnew')
  answers[CALL] = [200, { active: [] }]
  actFor({ id: '1', name: 'River lab' })
  await flushPromises()
  expect(page.text()).toBe('oldold')
  expect(calls()).toBe(3)
})
