import { VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { expect, test, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'

import { ApiError } from '@/api/errors'
import { createQueryClient } from '@/api/queryClient'

import StartCard from './StartCard.vue'
import { anApi, aRequest } from './testing'

async function open(start: (key: string) => Promise<ReturnType<typeof aRequest>>) {
  const page = { template: '<p />' }
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: '/:rest(.*)*', component: page }],
  })
  await router.push('/things')
  const card = mount(StartCard, {
    props: { api: anApi(), words: { thing: 'report' }, start },
    slots: { options: '<p class="said">{{ params.errors.day }}</p>' },
    global: { plugins: [router, [VueQueryPlugin, { queryClient: createQueryClient() }]] },
  })
  return { card, router }
}

async function submit(card: Awaited<ReturnType<typeof open>>['card']) {
  await card.get('form').trigger('submit')
  await flushPromises()
}

test('a request is created once and followed', async () => {
  const start = vi.fn<() => Promise<ReturnType<typeof aRequest>>>(async () =>
    aRequest({ id: 'r1' }),
  )
  const { card, router } = await open(start)
  expect(card.get('button').text()).toBe('Create report')
  void card.get('form').trigger('submit')
  await submit(card)
  expect(start).toHaveBeenCalledTimes(1)
  expect(router.currentRoute.value.path).toMatch(/\/r1$/)
})

test('the key is kept until something else is asked for', async () => {
  const keys: string[] = []
  const reasons = [
    new ApiError(0, 'unreachable', 'The connection was lost.'),
    new ApiError(504, 'unexpected', 'The server is not ready.'),
    new ApiError(400, 'invalid', 'Wrong.', '', { day: 'Not a day.' }),
    new ApiError(400, 'invalid', 'Wrong.'),
  ]
  const { card } = await open(async (key) => {
    keys.push(key)
    throw reasons[keys.length - 1]!
  })
  await submit(card)
  expect(card.get('[role=alert]').text()).toBe('The connection was lost.')
  await submit(card)
  await submit(card)
  expect(card.get('.said').text()).toBe('Not a day.')
  expect(new Set(keys).size).toBe(1)
  await card.get('.said').trigger('input')
  await submit(card)
  expect(keys[3]).not.toBe(keys[0])
})
