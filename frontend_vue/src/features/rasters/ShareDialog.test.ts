import { VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { expect, test, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'

import { ApiError } from '@/api/errors'

import { shares } from './api'
import ShareDialog from './ShareDialog.vue'

/** The dialog of raster b, with a as another layer; sharing b is refused so often. */
async function open(refusals: number) {
  let left = refusals
  vi.spyOn(shares, 'list').mockResolvedValue([])
  const revoke = vi.spyOn(shares, 'revoke').mockResolvedValue(undefined as never)
  const create = vi.spyOn(shares, 'create').mockImplementation(async (id) => {
    if (id === 'b' && left-- > 0) throw new ApiError(409, 'too_many', 'Revoke one first.')
    return { id: `share-${id}`, token: `token-${id}`, url: `https://example.org/${id}` } as never
  })
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: '/:rest(.*)*', component: ShareDialog }],
  })
  await router.push('/rasters/b?layer=id%3Da')
  const page = mount(ShareDialog, {
    props: { id: 'b', name: 'scene', open: true },
    global: { plugins: [router, VueQueryPlugin] },
    attachTo: document.body,
  })
  await flushPromises()
  const send = async () => {
    document.querySelector('form')!.dispatchEvent(new Event('submit', { cancelable: true }))
    await flushPromises()
  }
  const created = () => create.mock.calls.map(([id]) => id).join('')
  return { page, send, created, revoke }
}

test('a layer has one link, also when another one was refused at first', async () => {
  const { send, created, revoke } = await open(1)
  await send()
  expect(document.querySelector('[role=alert]')!.textContent).toContain('Revoke one first.')
  await send()
  expect(created()).toBe('abb')
  expect(document.querySelector<HTMLInputElement>('input[readonly]')!.value).toContain('token-a')
  await send()
  expect(created()).toBe('abbab')
  expect(revoke).not.toHaveBeenCalled()
})

test('links that lead to nothing are revoked when the terms are others, and at the end', async () => {
  const { page, send, created, revoke } = await open(2)
  await send()
  const days = document.querySelector<HTMLSelectElement>('form select')!
  days.value = [...days.options].find(({ selected }) => !selected)!.value
  days.dispatchEvent(new Event('change'))
  await send()
  expect(created()).toBe('abab')
  expect(revoke.mock.calls).toEqual([['a', 'share-a']])
  await page.setProps({ open: false })
  expect(revoke).toHaveBeenCalledTimes(2)
})
