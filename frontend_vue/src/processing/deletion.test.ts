import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises } from '@vue/test-utils'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createApp } from 'vue'

import { actFor } from '@/api/acting'
import { closeToasts, toasts, UNDO_TIME, undoToast } from '@/ui/toast'

import { hiddenIds, useDeletion } from './deletion'
import { anApi } from './testing'

const sent: unknown[] = []
let keptAlive = false
let actingFor: string | null = null

function answer(outcome: object, status = 200) {
  vi.stubGlobal('fetch', async (request: Request) => {
    keptAlive = request.keepalive
    actingFor = request.headers.get('X-Act-For')
    sent.push(await request.json())
    return Response.json(
      { done: 0, unchanged: 0, remaining: 0, refused: [], ...outcome },
      { status },
    )
  })
}

function setUp() {
  const app = createApp({}).use(VueQueryPlugin, { queryClient: new QueryClient() })
  return app.runWithContext(() => useDeletion(anApi()))
}

beforeEach(() => {
  vi.useFakeTimers()
  sent.length = 0
  answer({ done: 2 })
})
afterEach(async () => {
  await closeToasts()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test('rows vanish at once, and the server is asked when it is too late to undo', async () => {
  setUp()(['1', '2'], { thing: 'thing' })
  expect([...hiddenIds]).toEqual(['1', '2'])
  expect(toasts.map(({ text }) => text)).toEqual(['2 things deleted.'])
  await vi.advanceTimersByTimeAsync(UNDO_TIME - 1)
  expect(sent).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(sent).toEqual([{ ids: ['1', '2'] }])
  expect([hiddenIds.size, toasts.length]).toEqual([0, 0])
})

test('undo brings the rows back, and nothing is sent', async () => {
  setUp()(['1'], { thing: 'thing' })
  undoToast(toasts[0]!)
  expect([hiddenIds.size, toasts.length]).toEqual([0, 0])
  await vi.advanceTimersByTimeAsync(2 * UNDO_TIME)
  window.dispatchEvent(new Event('pagehide'))
  await flushPromises()
  expect(sent).toEqual([])
})

test('leaving the page sends what was not undone, once, in a way that outlives the page', async () => {
  setUp()(['1'], { thing: 'thing' })
  window.dispatchEvent(new Event('pagehide'))
  window.dispatchEvent(new Event('pagehide'))
  await vi.advanceTimersByTimeAsync(2 * UNDO_TIME)
  expect(sent).toEqual([{ ids: ['1'] }])
  expect(keptAlive).toBe(true)
})

test('what is deleted is that of the account it was shown for', async () => {
  actFor({ id: 'lab', name: 'River lab' })
  const deleteLater = setUp()
  deleteLater(['1'], { thing: 'thing' })
  actFor(undefined)
  await vi.advanceTimersByTimeAsync(UNDO_TIME)
  expect(actingFor).toBe('lab')
  deleteLater(['2'], { thing: 'thing' })
  actFor({ id: 'lab', name: 'River lab' })
  await vi.advanceTimersByTimeAsync(UNDO_TIME)
  expect(actingFor).toBe('')
  actFor(undefined)
})

test('two deletions are undone each by itself', async () => {
  const deleteLater = setUp()
  deleteLater(['1'], { thing: 'thing' })
  deleteLater(['2'], { thing: 'thing' })
  undoToast(toasts[0]!)
  expect([...hiddenIds]).toEqual(['2'])
  await closeToasts()
  expect(sent).toEqual([{ ids: ['2'] }])
})

test('what the server refuses comes back with its sentence', async () => {
  answer({
    done: 1,
    refused: [{ code: 'in_use', message: 'A mosaic uses it.', count: 1, ids: [] }],
  })
  setUp()(['1', '2'], { thing: 'thing' })
  await vi.advanceTimersByTimeAsync(UNDO_TIME)
  expect(hiddenIds.size).toBe(0)
  expect(toasts.map(({ text }) => text)).toEqual(['1 thing left as it is: A mosaic uses it.'])
})

test('a failed call brings the rows back with its sentence', async () => {
  answer({ code: 'database_unavailable', detail: 'The database does not answer.' }, 503)
  setUp()(['1'], { thing: 'thing' })
  await vi.advanceTimersByTimeAsync(UNDO_TIME)
  expect(hiddenIds.size).toBe(0)
  expect(toasts.map(({ text }) => text)).toEqual(['Not deleted: The database does not answer.'])
})
