import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { onUnauthorized } from './client'
import { FakeXhr } from './fakeXhr'
import { send, sendSigned } from './upload'

beforeEach(() => {
  FakeXhr.all = []
  vi.stubGlobal('XMLHttpRequest', FakeXhr)
  document.cookie = 'csrftoken=token-1'
})
afterEach(() => {
  document.cookie = 'csrftoken=; max-age=0'
  onUnauthorized(() => {})
})

test('sends the form below the API root with the CSRF token, and gives the answer', async () => {
  const form = new FormData()
  const sent = send('POST', '/things/create/', form)
  expect(FakeXhr.last).toMatchObject({ method: 'POST', url: '/api/v1/things/create/', body: form })
  expect(FakeXhr.last.headers['X-CSRFToken']).toBe('token-1')
  FakeXhr.last.respond(201, { id: 'x' })
  expect(await sent).toEqual({ id: 'x' })
})

test('sends the token under the name that it has with HTTPS', () => {
  vi.spyOn(document, 'cookie', 'get').mockReturnValue('a=b; __Host-csrftoken=token-2')
  send('DELETE', '/things/upload/1/')
  expect(FakeXhr.last.headers['X-CSRFToken']).toBe('token-2')
  vi.restoreAllMocks()
})

test('a signed address gets the bytes and nothing of ours', async () => {
  const content = new Blob(['x'])
  const sent = sendSigned('https://storage.example.org/x?signature', content, {})
  expect(FakeXhr.last).toMatchObject({ method: 'PUT', body: content, headers: {} })
  FakeXhr.last.respond(200, '')
  expect(await sent).toBeUndefined()
  const refused = sendSigned('https://storage.example.org/x?signature', content, {})
  FakeXhr.last.respond(403, '<Error/>')
  await expect(refused).rejects.toMatchObject({ status: 403 })
})

test('reports how much has left', () => {
  const onProgress = vi.fn<(sent: number, total: number) => void>()
  send('POST', '/things/create/', new FormData(), { onProgress })
  FakeXhr.last.progress(1, 4)
  FakeXhr.last.progress(4, 4)
  expect(onProgress.mock.calls).toEqual([
    [1, 4],
    [4, 4],
  ])
})

test('stops when it is cancelled', async () => {
  const controller = new AbortController()
  const sent = send('POST', '/things/create/', new FormData(), { signal: controller.signal })
  controller.abort()
  await expect(sent).rejects.toMatchObject({ name: 'AbortError' })
  expect(FakeXhr.last.aborted).toBe(true)
})

test('sends nothing when it was cancelled before', async () => {
  const sent = send('POST', '/things/create/', new FormData(), { signal: AbortSignal.abort() })
  await expect(sent).rejects.toMatchObject({ name: 'AbortError' })
  expect(FakeXhr.last.body).toBeNull()
})

test('a connection that hangs is a lost one, however slow an honest one may be', async () => {
  vi.useFakeTimers()
  const sent = send('POST', '/things/create/', new FormData())
  const lost = sent.catch((error: unknown) => error)
  for (const loaded of [1, 2, 3]) {
    await vi.advanceTimersByTimeAsync(120_000)
    FakeXhr.last.progress(loaded, 4)
  }
  expect(FakeXhr.last.aborted).toBe(false)
  await vi.advanceTimersByTimeAsync(180_000)
  expect(await lost).toMatchObject({ code: 'unreachable', away: true })
  expect(FakeXhr.last.aborted).toBe(true)
  vi.useRealTimers()
})

test('gives the sentence of a problem document', async () => {
  const sent = send('POST', '/things/create/', new FormData())
  FakeXhr.last.respond(400, { code: 'invalid', detail: 'The file is empty.' })
  await expect(sent).rejects.toMatchObject({ status: 400, message: 'The file is empty.' })
})

test.each([
  ['a refusal of the proxy', 413, '<html>Too large</html>', 'larger'],
  ['a success that is not ours', 200, '<html>Hello</html>', 'doesn’t understand'],
])('has a sentence for %s', async (_, status, body, words) => {
  const sent = send('POST', '/things/create/', new FormData())
  FakeXhr.last.respond(status, body)
  await expect(sent).rejects.toThrow(words)
})

test('a lost connection and a lost session are told apart', async () => {
  const told = vi.fn<() => void>()
  onUnauthorized(told)
  const lost = send('POST', '/things/create/', new FormData())
  FakeXhr.last.fail()
  await expect(lost).rejects.toMatchObject({ away: true })
  expect(told).not.toHaveBeenCalled()
  const refused = send('POST', '/things/create/', new FormData())
  FakeXhr.last.respond(401, {})
  await expect(refused).rejects.toMatchObject({ status: 401 })
  expect(told).toHaveBeenCalledOnce()
})
