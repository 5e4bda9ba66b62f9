import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { expect, test } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'

import { unreachable } from '@/api/errors'

import CrudForm from './CrudForm.vue'
import type { CrudApi, Field } from './types'

const ROW = { id: '7', name: 'Rain gauge' }

async function open(fields: readonly Field[], calls: object) {
  const api = { address: '/things', one: 'thing', many: 'things', title: () => 'It', ...calls }
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: '/:rest(.*)*', component: CrudForm }],
  })
  const page = mount(CrudForm, {
    props: { api: api as unknown as CrudApi<never, never>, fields, id: '7' } as never,
    attachTo: document.body,
    global: { plugins: [router, [VueQueryPlugin, { queryClient: client }]] },
  })
  await flushPromises()
  return { page, client }
}

test('what was typed stays when the row cannot be asked for again', async () => {
  let isAway = false
  const get = async () => {
    if (isAway) throw unreachable()
    return ROW
  }
  const { page, client } = await open([{ name: 'name', label: 'Name', type: 'string' }], { get })
  await page.find('[name=name]').setValue('Wind gauge')
  isAway = true
  await client.refetchQueries() // as it does when the window has the focus again
  await flushPromises()
  expect(page.find<HTMLInputElement>('[name=name]').element.value).toBe('Wind gauge')
})

const LIST = { address: '/places', one: 'place', many: 'places' }
const field = (list: () => Promise<object>) => ({
  name: 'place',
  label: 'Place',
  type: 'ref' as const,
  required: true,
  shows: 'place_name',
  of: { ...LIST, title: ({ name }: { name: string }) => name, list } as unknown as CrudApi,
})
const get = async () => ({ id: '7', place: 'p101', place_name: 'Harbour' })

test('what a row has is there to choose, also when it is none of the first hundred', async () => {
  const results = [{ id: 'p1', name: 'Airport' }]
  const { page } = await open([field(async () => ({ count: 101, results }))], { get })
  const select = page.find<HTMLSelectElement>('select')
  expect(select.findAll('option').map((option) => option.text())).toEqual([
    'Choose',
    'Airport',
    'Harbour',
  ])
  expect(select.element.value).toBe('p101')
  expect(page.text()).toContain('Only the first 1 of 101 are listed.')
  await select.setValue('p1')
  expect(select.findAll('option')).toHaveLength(3)
})

test('what may be chosen says why it is not there', async () => {
  const list = async () => {
    throw unreachable()
  }
  const { page } = await open([field(list)], { get })
  expect(page.text()).toContain('isn’t responding')
  expect(page.find<HTMLSelectElement>('select').element.value).toBe('p101')
})
