import { createMemoryHistory } from 'vue-router'
import { expect, test } from 'vitest'

import { firstParts } from './addresses'
import { accountModules, features } from './features'
import { createAppRouter } from './router'

const sources = import.meta.glob<string>(['./router.ts', '../features/*/{index,account}.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
})

test('names the first part of every route, for the server', () => {
  const router = createAppRouter(features, accountModules, createMemoryHistory())
  const parts = router
    .getRoutes()
    .map((route) => route.path.split('/')[1]!)
    .filter((part) => part && !part.startsWith(':'))
  expect(parts.length).toBeGreaterThan(6)
  expect([...new Set(parts)].sort()).toEqual(firstParts(Object.values(sources)))
})

test('names no page below a feature', () => {
  const source = `
export default defineFeature({
  name: 'books',
  routes: [
    { path: '', component: () => import('./BooksPage.vue') },
    { path: 'new', component: () => import('./BookForm.vue') },
    { path: 'authors/:id', component: () => import('./AuthorPage.vue') },
  ],
  furtherRoutes: [
    {
      path: 'loans',
      children: [{ path: 'overdue', component: () => import('./OverduePage.vue') }],
    },
  ],
  publicRoutes: [{ path: '/catalogue', component: () => import('./CataloguePage.vue') }],
})
`
  expect(firstParts([source])).toEqual(['books', 'catalogue', 'loans'])
})
