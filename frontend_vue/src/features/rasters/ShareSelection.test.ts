import { VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { expect, test, vi } from 'vitest'

import { ApiError } from '@/api/errors'

import { rasters, shares } from './api'
import ShareSelection from './ShareSelection.vue'

test('each raster has its link once, also when one was refused at first', async () => {
  vi.spyOn(rasters, 'status').mockImplementation(async (id) => ({ name: `scene ${id}` }) as never)
  let refused = false
  const create = vi.spyOn(shares, 'create').mockImplementation(async (id) => {
    if (id === 'b' && !refused) {
      refused = true
      throw new ApiError(429, 'throttled', 'Wait a minute.')
    }
    return { url: `https://example.org/${id}` } as never
  })
  mount(ShareSelection, {
    props: { ids: ['a', 'b', 'c'], open: true },
    global: { plugins: [VueQueryPlugin] },
    attachTo: document.body,
  })
  const send = async () => {
    document.querySelector('form')!.dispatchEvent(new Event('submit', { cancelable: true }))
    await flushPromises()
  }
  await flushPromises()

  await send()
  expect(document.querySelector('[role=alert]')!.textContent).toContain('Wait a minute.')
  expect(document.querySelector('textarea')!.value).toBe('scene a\thttps://example.org/a')
  await send()
  expect(document.querySelector('textarea')!.value.split('\n')).toEqual([
    'scene a\thttps://example.org/a',
    'scene b\thttps://example.org/b',
    'scene c\thttps://example.org/c',
  ])
  expect(create.mock.calls.map(([id]) => id)).toEqual(['a', 'b', 'b', 'c'])
  expect(document.querySelector('form')).toBeNull()
})
