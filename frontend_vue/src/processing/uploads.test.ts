import { flushPromises } from '@vue/test-utils'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { FakeXhr } from '@/api/fakeXhr'

import { aRequest } from './testing'
import { createUploads } from './uploads'

const file = (name: string) => new File(['content'], name)
let uploads: ReturnType<typeof createUploads>

beforeEach(() => {
  FakeXhr.all = []
  vi.stubGlobal('XMLHttpRequest', FakeXhr)
  uploads = createUploads({ createPath: '/things/create/' })
})
afterEach(() => {
  while (uploads.entries[0]) uploads.dismiss(uploads.entries[0].id)
})

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
  uploads.dismiss(first.entry.id)
  expect(await first.done).toBeNull()
  await flushPromises()
  expect(FakeXhr.all.map(({ aborted }) => aborted)).toEqual([true, false])
  expect(uploads.entries.map((entry) => entry.file.name)).toEqual(['b.dat'])
})

test('a file cancelled while it waits is never sent', async () => {
  const first = await add('a.dat')
  const second = await add('b.dat')
  uploads.dismiss(second.entry.id)
  FakeXhr.last.respond(201, aRequest())
  await first.done
  expect(await second.done).toBeNull()
  expect(FakeXhr.all).toHaveLength(1)
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
