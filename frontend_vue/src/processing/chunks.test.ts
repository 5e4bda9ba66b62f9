import { flushPromises } from '@vue/test-utils'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { FakeXhr } from '@/api/fakeXhr'

import { discard, forget, sendChunks } from './chunks'

const PATH = '/things/create/'
const ROOT = '/api/v1/things/upload/'
const file = new File(['aaaabbbbcc'], 'a.dat', { lastModified: 7 })
const told: [number, boolean][] = []
let stop: AbortController

beforeEach(() => {
  FakeXhr.all = []
  told.length = 0
  stop = new AbortController()
  vi.stubGlobal('XMLHttpRequest', FakeXhr)
})
afterEach(() => forget(PATH, file))

const state = (received: number[] = [], mode = 'server') => ({
  id: 'u1', mode, chunk_size: 4, chunks: 3, received,
}) // prettier-ignore
const open = () => FakeXhr.all.filter((xhr) => !xhr.done)
const asked = () => FakeXhr.all.map((xhr) => `${xhr.method} ${xhr.url.replace(ROOT, '')}`)

function begin() {
  const done = sendChunks(PATH, file, stop.signal, (sent, chunk) => told.push([sent, chunk]))
  done.catch(() => {})
  return done
}

async function answer(status: number, body: unknown) {
  open()[0]!.respond(status, body)
  await flushPromises()
}

test('sends one chunk after the other to the server, and tells how much has left', async () => {
  const done = begin()
  expect(FakeXhr.last).toMatchObject({ method: 'POST', url: ROOT })
  expect(JSON.parse(FakeXhr.last.body as string)).toEqual({ filename: 'a.dat', size: 10 })
  await answer(201, state())
  expect(open()).toHaveLength(1)
  expect(FakeXhr.last.headers['Content-Type']).toBe('application/octet-stream')
  expect(await (FakeXhr.last.body as Blob).text()).toBe('aaaa')
  FakeXhr.last.progress(2, 4)
  for (let chunk = 1; chunk <= 3; chunk++) await answer(200, state())
  expect(await done).toBe('u1')
  expect(asked()).toEqual(['POST ', 'PUT u1/parts/1/', 'PUT u1/parts/2/', 'PUT u1/parts/3/'])
  expect(told).toEqual([
    [0, false], [0.2, false], [0.4, true], [0.8, true], [1, true],
  ]) // prettier-ignore
})

test('goes on with the chunks that are missing, also after a reload', async () => {
  const lost = begin()
  await answer(201, state())
  await answer(200, state())
  FakeXhr.last.fail()
  await expect(lost).rejects.toMatchObject({ unanswered: true })
  FakeXhr.all = []
  const done = begin()
  await answer(200, state([1, 3]))
  await answer(200, state())
  expect(await done).toBe('u1')
  expect(asked()).toEqual(['GET u1/', 'PUT u1/parts/2/'])
  expect(told.at(-2)).toEqual([0.6, false])
})

test('an upload that the server has thrown away is begun anew', async () => {
  begin()
  await answer(201, state())
  FakeXhr.last.fail()
  await flushPromises()
  FakeXhr.all = []
  begin()
  await answer(404, { code: 'not_found', detail: 'There is no such upload.' })
  expect(asked()).toEqual(['GET u1/', 'POST '])
})

test('chunks go to the signed addresses of the storage, several at once', async () => {
  const done = begin()
  await answer(201, state([], 'direct'))
  expect(asked().slice(1)).toEqual([1, 2, 3].map((number) => `POST u1/parts/${number}/`))
  for (let chunk = 1; chunk <= 3; chunk++)
    await answer(200, { url: `https://storage.test/${chunk}` })
  expect(open().map(({ method, url }) => `${method} ${url}`)).toEqual(
    [1, 2, 3].map((number) => `PUT https://storage.test/${number}`),
  )
  for (let chunk = 1; chunk <= 3; chunk++) await answer(200, '')
  expect(await done).toBe('u1')
})

test('what was begun for one account is not gone on with for another', async () => {
  begin()
  await answer(201, state())
  const lab = { 'X-Act-For': 'lab' }
  sendChunks(PATH, file, stop.signal, () => {}, lab).catch(() => {})
  expect(FakeXhr.last).toMatchObject({ method: 'POST', url: ROOT })
  expect(FakeXhr.last.headers).toMatchObject(lab)
  await answer(201, state())
  forget(PATH, file, lab)
})

test('one chunk that is lost stops the others', async () => {
  const done = begin()
  await answer(201, state([], 'direct'))
  FakeXhr.last.fail()
  await expect(done).rejects.toMatchObject({ unanswered: true })
  expect(FakeXhr.all.slice(1, 3).map(({ aborted }) => aborted)).toEqual([true, true])
})

test('what is cancelled is thrown away on the server, once', async () => {
  const done = begin()
  await answer(201, state())
  stop.abort()
  await expect(done).rejects.toMatchObject({ name: 'AbortError' })
  const discarded = discard(PATH, file)
  expect(FakeXhr.last).toMatchObject({ method: 'DELETE', url: `${ROOT}u1/` })
  await answer(204, '')
  await discarded
  await discard(PATH, file)
  expect(asked().filter((one) => one.startsWith('DELETE'))).toHaveLength(1)
})
