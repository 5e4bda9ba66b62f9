import { beforeEach, expect, test, vi } from 'vitest'
import { createMemoryHistory } from 'vue-router'

import { queryClient } from '@/api/queryClient'
import { setTitle } from '@/composables/title'
import type { Feature } from '@/feature'

import { createAppRouter } from './router'

const page = { template: '<p />' }
const feature = (name: string): Feature => ({
  name,
  title: name,
  description: '',
  icon: page,
  routes: [
    { path: '', component: page },
    { path: ':id', component: page },
  ],
})

async function visit(address: string, user: object | null | 'away', names = ['maps']) {
  const fetch = vi.fn<() => Promise<Response>>(async () => {
    if (user === 'away') throw new TypeError('Failed to fetch')
    return Response.json({ user })
  })
  vi.stubGlobal('fetch', fetch)
  const router = createAppRouter(names.map(feature), [], createMemoryHistory())
  await router.push(address)
  return { to: router.currentRoute.value, router, fetch }
}

const somebody = { id: 1, email: 'somebody@example.org' }
beforeEach(() => queryClient.clear())

test('sends strangers to the sign-in page, which knows the way back', async () => {
  const { to } = await visit('/maps/7?tab=2', null)
  expect(to.path).toBe('/login')
  expect(to.query).toEqual({ next: '/maps/7?tab=2' })
})

test('does not carry the start page along', async () => {
  const { to } = await visit('/', null, ['maps', 'tables'])
  expect(to.fullPath).toBe('/login')
})

test('lets people who are signed in through, and asks only once who they are', async () => {
  const { to, router, fetch } = await visit('/maps/7', somebody)
  expect(to.path).toBe('/maps/7')
  await router.push('/maps')
  expect(fetch).toHaveBeenCalledOnce()
})

test.each([
  ['/login?next=/maps/7', '/maps/7'],
  ['/login?next=//evil.example', '/maps'],
])('from %s on to %s when signed in already', async (address, path) => {
  expect((await visit(address, somebody)).to.path).toBe(path)
})

test('the only feature is the start page; several are offered', async () => {
  expect((await visit('/', somebody)).to.path).toBe('/maps')
  queryClient.clear()
  expect((await visit('/', somebody, ['maps', 'tables'])).to.name).toBe('home')
  queryClient.clear()
  expect((await visit('/', somebody, [])).to.name).toBe('home')
})

test('an address that nothing lives at says so, at that address', async () => {
  const { to } = await visit('/no/such?x=1', somebody)
  expect(to.name).toBe('missing')
  expect(to.fullPath).toBe('/no/such?x=1')
})

test('keeps the address while the server is away', async () => {
  const { to } = await visit('/maps/7?tab=2', 'away')
  expect(to.name).toBe('unreachable')
  expect(to.fullPath).toBe('/maps/7?tab=2')
})

test("a feature's public page is shown to strangers", async () => {
  vi.stubGlobal('fetch', async () => Response.json({ user: null }))
  const maps = { ...feature('maps'), publicRoutes: [{ path: '/given/:key', component: page }] }
  const router = createAppRouter([maps], [], createMemoryHistory())
  await router.push('/given/abc')
  expect(router.currentRoute.value.fullPath).toBe('/given/abc')
  expect(router.currentRoute.value.params).toEqual({ key: 'abc' })
})

test('a page that a part adds to signing in is for strangers only', async () => {
  vi.stubGlobal('fetch', async () => Response.json({ user: null }))
  const modules = [{ routes: [{ path: '/login/further', component: page }] }]
  const router = createAppRouter([], modules, createMemoryHistory())
  await router.push('/login/further')
  expect(router.currentRoute.value.path).toBe('/login/further')
  queryClient.setQueryData(['session'], { user: somebody })
  await router.push('/login/further?again')
  expect(router.currentRoute.value.path).toBe('/')
})

test('a page keeps the title that it has given itself while its address changes', async () => {
  const { router } = await visit('/maps/7', somebody)
  expect(document.title).toMatch(/^maps · /)
  setTitle('Dunes')
  await router.replace({ query: { at: '3/1/2' } })
  await router.push({ query: { at: '3/1/2' } }) // where it is already
  expect(document.title).toMatch(/^Dunes · /)
  await router.push('/maps/8')
  expect(document.title).toMatch(/^maps · /)
})

test('the title is that of the page, once the server is back', async () => {
  const { router } = await visit('/maps/7', 'away')
  const before = document.title
  vi.stubGlobal('fetch', async () => Response.json({ user: somebody }))
  await router.replace('/maps/7')
  expect(router.currentRoute.value.name).not.toBe('unreachable')
  expect(document.title).not.toBe(before)
})
