import { expect, test, vi } from 'vitest'

import { createQueryClient } from '@/api/queryClient'

import { requestHandlers, watchEnds } from './live'
import { keys } from './queries'
import { aRequest } from './testing'

const told = (fields: object) =>
  ({ ...aRequest(), kind: 'count', parent: null, ...fields }) as never

function page() {
  const client = createQueryClient()
  const running = aRequest({ status: 'processing', progress: 10 })
  client.setQueryData(keys.status('count', running.id), running)
  client.setQueryData([...keys.list('count'), {}], { count: 1, results: [running] })
  const invalidate = vi.spyOn(client, 'invalidateQueries').mockResolvedValue()
  return { client, running, invalidate, handlers: requestHandlers(client) }
}

test('what is told is shown wherever the request is', () => {
  const { client, running, handlers, invalidate } = page()
  handlers['request.changed'](told({ ...running, progress: 40 }))
  expect(client.getQueryData(keys.status('count', running.id))).toMatchObject({ progress: 40 })
  const list = client.getQueryData<{ results: { progress: number }[] }>([...keys.list('count'), {}])
  expect(list!.results[0]!.progress).toBe(40)
  expect(invalidate).not.toHaveBeenCalled()
})

test('lists and counts are asked for once, however much has changed', async () => {
  vi.useFakeTimers()
  const { running, handlers, invalidate } = page()
  handlers['request.changed'](told({ ...running, status: 'completed' }))
  handlers['request.changed'](told({ id: 'another' }))
  await vi.advanceTimersByTimeAsync(1000)
  expect(invalidate).toHaveBeenCalledTimes(1)
  const { predicate } = invalidate.mock.calls[0]![0] as { predicate: (query: object) => boolean }
  expect(predicate({ queryKey: ['count', 'list', {}], state: {} })).toBe(true)
  expect(
    predicate({
      queryKey: ['count', 'history', running.id, 'processing', 1],
      state: {},
    }),
  ).toBe(true)
  expect(predicate({ queryKey: ['count', 'status', running.id], state: { data: running } })).toBe(
    false,
  )
  vi.useRealTimers()
})

test('an older answer that is under way does not undo what was told', async () => {
  const { client, running, handlers } = page()
  const key = keys.status('count', running.id)
  let respond: (value: unknown) => void = () => {}
  const asked = client.fetchQuery({
    queryKey: key,
    queryFn: () => new Promise((resolve) => (respond = resolve)),
  })
  handlers['request.changed'](told({ ...running, status: 'completed' }))
  respond(running)
  await asked.catch(() => {})
  expect(client.getQueryData(key)).toMatchObject({ status: 'completed' })
})

test('a step that changes renews what is known of its pipeline', async () => {
  vi.useFakeTimers()
  const { handlers, invalidate } = page()
  handlers['request.changed'](told({ id: 'a step', parent: 'the pipeline' }))
  await vi.advanceTimersByTimeAsync(1000)
  const { predicate } = invalidate.mock.calls[0]![0] as { predicate: (query: object) => boolean }
  expect(predicate({ queryKey: ['count', 'stages', 'the pipeline'], state: {} })).toBe(true)
  expect(predicate({ queryKey: ['count', 'list', {}], state: {} })).toBe(false)
  vi.useRealTimers()
})

test('a request that is deleted is asked for, to be told that it is gone', () => {
  const { running, handlers, invalidate } = page()
  handlers['request.deleted']({ id: running.id })
  const { predicate } = invalidate.mock.calls[0]![0] as { predicate: (query: object) => boolean }
  expect(predicate({ queryKey: keys.status('count', running.id) })).toBe(true)
})

test('an end is noticed once, wherever it is seen, and only of what was open', () => {
  const { client, running } = page()
  const ended = vi.fn<() => void>()
  watchEnds(client, ended)
  const show = (status: 'processing' | 'failed') => {
    client.setQueryData(keys.status('count', running.id), { ...running, status })
    client.setQueryData([...keys.list('count'), {}], { results: [{ ...running, status }] })
  }
  client.setQueryData(['count', 'list', 'others'], {
    results: [aRequest({ id: '8', status: 'completed' })],
  })
  show('processing')
  expect(ended).not.toHaveBeenCalled()
  show('failed')
  show('failed')
  expect(ended).toHaveBeenCalledTimes(1)
})
