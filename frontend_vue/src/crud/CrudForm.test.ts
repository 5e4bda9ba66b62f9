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
