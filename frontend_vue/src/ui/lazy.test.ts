import { flushPromises, mount } from '@vue/test-utils'
import { expect, test, vi } from 'vitest'
import { h } from 'vue'

import { catalogue } from '@/i18n/catalogue'

import { lazy } from './lazy'
import { toasts } from './toast'

test('a part that cannot be loaded is left out, and said once, and the rest stays', async () => {
  const broken = vi.fn<() => void>()
  const lost = () => Promise.reject(new TypeError('Failed to fetch'))
  const here = { __esModule: true, default: () => h('p', 'here') } // as modules are
  const parts = [lazy(lost), lazy(lost), lazy(async () => here)]
  const page = mount(
    () =>
      h(
        'main',
        parts.map((part) => h(part)),
      ),
    {
      global: { config: { errorHandler: broken } },
    },
  )
  await flushPromises()
  expect(page.text()).toBe('here')
  expect(broken).not.toHaveBeenCalled()
  expect(toasts.map(({ text }) => text)).toEqual([
    'Part of this page could not be loaded. Reload the page once you are online.',
  ])
})

test('a part is shown when its words have arrived', async () => {
  let arrive!: (words: object) => void
  const words = new Promise<object>((resolve) => (arrive = resolve))
  const load = async () => {
    const t = catalogue<{ name: string }>({ './en.json': () => words })
    return { __esModule: true, default: () => h('a', { 'aria-label': t('name') }) }
  }
  const page = mount(() => h(lazy(load)))
  await flushPromises()
  expect(page.find('a').exists()).toBe(false)
  arrive({ name: 'Notifications' })
  await flushPromises()
  expect(page.get('a').attributes('aria-label')).toBe('Notifications')
})
