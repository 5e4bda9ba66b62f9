import { flushPromises } from '@vue/test-utils'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { actFor } from '@/api/acting'
import { FakeXhr } from '@/api/fakeXhr'

import { aRequest } from './testing'
import { createUploads, IN_CHUNKS } from './uploads'

const file = (name: string) => new File(['content'], name)
let uploads: ReturnType<typeof createUploads>

beforeEach(() => {
  FakeXhr.all = []
  vi.useFakeTimers()
  vi.stubGlobal('XMLHttpRequest', FakeXhr)
  uploads = createUploads({ createPath: '/things/create/' })
})
afterEach(() => {
  while (uploads.entries[0]) uploads.dismiss(uploads.entries[0])
  vi.useRealTimers()
})

const key = () => FakeXhr.last.headers['Idempotency-Key']

async function pass(milliseconds: number) {
  await vi.advanceTimersByTimeAsync(milliseconds)
  await flushPromises()
}

async function loseConnection() {
  FakeXhr.last.fail()
  await pass(0)
}

async function add(name: string, fields?: Record<string, string>) {
  const done = uploads.add(file(name), fields)
  await flushPromises()
  return { done, entry: uploads.entries.at(-1)! }
}

test('sends the file and the other fields, shows the progress, gives the request', async () => {
  const { done, entry } = await add('a.dat', { profile: 'small' })
  expect(FakeXhr.last.form!.get('profile')).toBe('small')
  expect((FakeXhr.last.form!.get('file') as File).name).toBe('a.dat')
  FakeXhr.last.progress(1, 2)
  expect(entry).toMatchObject({ state: 'sending', sent: 0.5 })
  FakeXhr.last.progress(2, 2)
  expect(entry.state).toBe('storing')
  expect(uploads.active.value).toBe(true)
  FakeXhr.last.respond(201, aRequest())
  expect(await done).toEqual(aRequest())
  expect(uploads.entries).toHaveLength(0)
})

test('a file belongs to whom it was chosen for, whoever one acts for when its turn comes', async () => {
  const first = await add('a.dat')
  actFor({ id: 'lab', name: 'Lab' })
  await add('b.dat')
  expect(FakeXhr.last.headers['X-Act-For']).toBe('')
  actFor(undefined)
  FakeXhr.last.respond(201, aRequest())
  await first.done
  await pass(0)
  expect(FakeXhr.last.form!.get('file')).toHaveProperty('name', 'b.dat')
  expect(FakeXhr.last.headers['X-Act-For']).toBe('lab')
})

test('sends one file at a time, in order', async () => {
  const first = await add('a.dat')
  const second = await add('b.dat')
  expect(FakeXhr.all).toHaveLength(1)
  expect(second.entry.state).toBe('waiting')
  FakeXhr.last.respond(201, aRequest())
  await first.done
  await flushPromises()
  expect(FakeXhr.all).toHaveLength(2)
  expect(second.entry.state).toBe('sending')
})

test('cancelling stops the transfer, leaves nothing behind and lets the next one go', async () => {
  const first = await add('a.dat')
  await add('b.dat')
  uploads.dismiss(first.entry)
  expect(await first.done).toBeNull()
  await flushPromises()
  expect(FakeXhr.all.map(({ aborted }) => aborted)).toEqual([true, false])
  expect(uploads.entries.map((entry) => entry.file.name)).toEqual(['b.dat'])
})

test('a file cancelled while it waits is never sent', async () => {
  const first = await add('a.dat')
  const second = await add('b.dat')
  uploads.dismiss(second.entry)
  FakeXhr.last.respond(201, aRequest())
  await first.done
  expect(await second.done).toBeNull()
  expect(FakeXhr.all).toHaveLength(1)
})

test('each file has a key of its own', async () => {
  const first = await add('a.dat')
  const firstKey = key()
  expect(firstKey).toMatch(/^[!-~]{20,200}$/)
  FakeXhr.last.respond(201, aRequest())
  await first.done
  await add('a.dat')
  expect(key()).not.toBe(firstKey)
})

test('a lost connection is tried again by itself, as the same request', async () => {
  const { done, entry } = await add('a.dat', { profile: 'small' })
  const firstKey = key()
  FakeXhr.last.progress(2, 2)
  await loseConnection()
  expect(entry).toMatchObject({ state: 'pausing', losses: 1, sent: 0 })
  expect(uploads.active.value).toBe(true)
  expect(FakeXhr.all).toHaveLength(1)
  await pass(1000)
  expect(FakeXhr.all).toHaveLength(2)
  expect(key()).toBe(firstKey)
  expect(FakeXhr.last.form!.get('profile')).toBe('small')
  expect(entry).toMatchObject({ state: 'sending', sent: 0 })
  FakeXhr.last.respond(200, aRequest())
  expect(await done).toEqual(aRequest())
})

test('it goes on by itself when the server is back, however long that takes', async () => {
  const { done, entry } = await add('a.dat')
  const firstKey = key()
  for (let loss = 0; loss < 20; loss++) {
    await loseConnection()
    expect(entry.state).toBe('pausing')
    await pass(30_000)
  }
  expect(FakeXhr.all).toHaveLength(21)
  FakeXhr.last.fail()
  await pass(0)
  dispatchEvent(new Event('online'))
  await pass(0)
  expect(FakeXhr.all).toHaveLength(22)
  expect(key()).toBe(firstKey)
  FakeXhr.last.respond(201, aRequest())
  expect(await done).toEqual(aRequest())
  expect(uploads.entries).toHaveLength(0)
})

test('a network that came back during a try is not waited for', async () => {
  const { done } = await add('a.dat')
  await loseConnection()
  await pass(1000)
  dispatchEvent(new Event('online'))
  await loseConnection()
  expect(FakeXhr.all).toHaveLength(3)
  FakeXhr.last.respond(201, aRequest())
  expect(await done).toEqual(aRequest())
})

test('what failed is sent again when somebody asks for it, as the same request', async () => {
  const { done, entry } = await add('a.dat')
  const firstKey = key()
  FakeXhr.last.respond(507, { code: 'disk_full', detail: 'No space.' })
  expect(await done).toBeNull()
  const again = uploads.retry(entry)
  await flushPromises()
  expect(key()).toBe(firstKey)
  FakeXhr.last.respond(201, aRequest())
  expect(await again).toEqual(aRequest())
})

test('a queue that is paused sends nothing, and goes on with what it had begun', async () => {
  const first = await add('a.dat')
  const firstKey = key()
  const second = await add('b.dat')
  uploads.pause()
  await pass(0)
  expect(FakeXhr.last.aborted).toBe(true)
  expect(uploads.entries.map(({ state }) => state)).toEqual(['waiting', 'waiting'])
  await pass(600_000)
  expect(FakeXhr.all).toHaveLength(1)
  uploads.resume()
  await pass(0)
  expect(FakeXhr.all).toHaveLength(2)
  expect(key()).toBe(firstKey)
  FakeXhr.last.respond(201, aRequest())
  expect(await first.done).toEqual(aRequest())
  await pass(0)
  FakeXhr.last.respond(201, aRequest())
  expect(await second.done).toEqual(aRequest())
  expect(uploads.arrived).toEqual({ files: 2, bytes: 14 })
})

test('all can be cancelled at once, a paused queue too', async () => {
  const first = await add('a.dat')
  const second = await add('b.dat')
  uploads.refuse(file('c.pdf'), 'Not this.')
  uploads.pause()
  uploads.cancelAll()
  expect(await first.done).toBeNull()
  expect(await second.done).toBeNull()
  expect(uploads.entries.map((entry) => entry.file.name)).toEqual(['c.pdf'])
  expect(FakeXhr.all).toHaveLength(1)
  await add('d.dat')
  expect(FakeXhr.all).toHaveLength(2)
})

test('cancelling in the pause sends nothing more', async () => {
  const { done, entry } = await add('a.dat')
  await loseConnection()
  uploads.dismiss(entry)
  expect(await done).toBeNull()
  await pass(600_000)
  expect(FakeXhr.all).toHaveLength(1)
})

test('a file that changed after it was chosen is not mistaken for a lost connection', async () => {
  const { entry } = await add('a.dat')
  vi.spyOn(entry.file, 'slice').mockReturnValue({
    arrayBuffer: () => Promise.reject(new DOMException('changed', 'NotReadableError')),
  } as unknown as Blob)
  await loseConnection()
  expect(entry).toMatchObject({ state: 'failed', again: false })
  expect(entry.error).toContain('Choose it again')
})

test.each([
  [507, 'The server has not enough disk space for this.', true],
  [429, 'Too many requests.', true],
  [413, 'The file is larger than the 2 GB that are allowed.', false],
  [400, 'The file is empty.', false],
])('an answer is not tried again by itself: %i', async (status, detail, again) => {
  const { done, entry } = await add('a.dat')
  FakeXhr.last.respond(status, { code: 'some_code', detail })
  expect(await done).toBeNull()
  await pass(600_000)
  expect(FakeXhr.all).toHaveLength(1)
  expect(entry).toMatchObject({ state: 'failed', error: detail, again })
})

test('a server that says when it is ready again is asked again then, as the same request', async () => {
  const { done, entry } = await add('a.dat')
  const firstKey = key()
  FakeXhr.last.respond(503, { code: 'database_unavailable', detail: 'Not ready.' }, '3')
  await pass(0)
  expect(entry).toMatchObject({ state: 'pausing', losses: 1, postponed: true })
  await pass(2900)
  expect(FakeXhr.all).toHaveLength(1)
  await pass(200)
  expect(FakeXhr.all).toHaveLength(2)
  expect(key()).toBe(firstKey)
  FakeXhr.last.respond(201, aRequest())
  expect(await done).toEqual(aRequest())
})

test('a refusal stays on the page with its reason, and holds nobody up', async () => {
  const { done, entry } = await add('a.dat')
  FakeXhr.last.respond(400, { code: 'invalid', detail: 'The file is empty.' })
  expect(await done).toBeNull()
  expect(entry).toMatchObject({ state: 'failed', error: 'The file is empty.' })
  expect(uploads.active.value).toBe(false)
})

test('asks before the window is closed over an upload', async () => {
  const leave = () => {
    const event = new Event('beforeunload', { cancelable: true })
    dispatchEvent(event)
    return event.defaultPrevented
  }
  expect(leave()).toBe(false)
  await add('a.dat')
  expect(leave()).toBe(true)
})

test('a large file goes in chunks, and goes on where the connection was lost', async () => {
  const large = file('big.dat')
  Object.defineProperty(large, 'size', { value: IN_CHUNKS + 1 })
  const done = uploads.add(large, { profile: 'small' })
  const entry = uploads.entries.at(-1)!
  await vi.waitFor(() => expect(FakeXhr.all).toHaveLength(1))
  const state = { id: 'u1', mode: 'server', chunk_size: 9e9, chunks: 1, received: [] as number[] }
  FakeXhr.last.respond(201, state)
  await pass(0)
  FakeXhr.last.progress(1, 2)
  await loseConnection()
  expect(entry).toMatchObject({ state: 'pausing', losses: 1 })
  dispatchEvent(new Event('online'))
  await pass(0)
  FakeXhr.last.respond(200, { ...state, received: [1] })
  await pass(0)
  expect(FakeXhr.last).toMatchObject({ method: 'POST', url: '/api/v1/things/create/' })
  expect([...FakeXhr.last.form]).toEqual([
    ['profile', 'small'],
    ['upload', 'u1'],
  ])
  const sent = FakeXhr.all.length
  await loseConnection() // the create arrived, its answer did not: nothing but it is sent again
  dispatchEvent(new Event('online'))
  await pass(0)
  expect(FakeXhr.all).toHaveLength(sent + 1)
  expect(FakeXhr.last.form.get('upload')).toBe('u1')
  FakeXhr.last.respond(200, aRequest())
  expect(await done).toEqual(aRequest())
  await pass(0)
  expect(FakeXhr.all).toHaveLength(sent + 1)
  expect(uploads.interrupted()).toEqual([])
})

test('the same file twice is one upload, which goes when the last of both is cancelled', async () => {
  const large = file('big.dat')
  Object.defineProperty(large, 'size', { value: IN_CHUNKS + 1 })
  void uploads.add(large)
  void uploads.add(large)
  const [first, second] = uploads.entries
  await vi.waitFor(() => expect(FakeXhr.all).toHaveLength(1))
  FakeXhr.last.respond(201, { id: 'u1', mode: 'server', chunk_size: 9e9, chunks: 1, received: [] })
  await pass(0)
  const deleted = () => FakeXhr.all.filter(({ method }) => method === 'DELETE').length
  uploads.dismiss(second!)
  await pass(100)
  expect(deleted()).toBe(0)
  expect(first!.state).toBe('sending')
  uploads.dismiss(first!)
  await vi.waitFor(() => expect(deleted()).toBe(1))
})

test('after a reload it says whose chunks are there', () => {
  sessionStorage.setItem('/api/v1/upload /things/upload/ own 20000000 17 my big file.dat', 'u1')
  sessionStorage.setItem('/api/v1/upload /others/upload/ own 20000000 17 another.dat', 'u2')
  sessionStorage.setItem('/forest/api/v1/upload /things/upload/ own 9 17 of another product', 'u3')
  expect(uploads.interrupted()).toEqual(['my big file.dat'])
  sessionStorage.clear()
})
