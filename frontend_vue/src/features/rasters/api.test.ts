import { expect, test, vi } from 'vitest'

import { rasters } from './api'

test('each call goes to its endpoint', async () => {
  const calls: string[] = []
  vi.stubGlobal('fetch', async ({ method, url }: Request) => {
    calls.push(`${method} ${new URL(url).pathname}${new URL(url).search}`)
    return method === 'DELETE' ? new Response(null, { status: 204 }) : Response.json({})
  })
  await rasters.list({ page: 2, status: 'failed' })
  await rasters.status('a')
  await rasters.results('a')
  await rasters.history('a')
  await rasters.cancel('a')
  await rasters.retry('a')
  await rasters.remove('a')
  expect(calls).toEqual([
    'GET /api/v1/rasters/list/?page=2&status=failed',
    'GET /api/v1/rasters/status/a/',
    'GET /api/v1/rasters/results/a/',
    'GET /api/v1/rasters/history/a/',
    'POST /api/v1/rasters/cancel/a/',
    'POST /api/v1/rasters/retry/a/',
    'DELETE /api/v1/rasters/delete/a/',
  ])
})
