import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { createQueryClient } from '@/api/queryClient'
import { env } from '@/env'

import { isLive } from './state'
import { followEvents } from './stream'

/** A stream as a browser has it, and what a server says on it. */
class FakeSource extends EventTarget {
  static CLOSED = 2
  static all: FakeSource[] = []
  readyState = 1
  closed = false

  constructor(readonly url: string) {
    super()
    FakeSource.all.push(this)
  }

  close() {
    this.closed = true
    this.readyState = 2
  }

  say(name: string, data: unknown) {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }))
  }

  fail(readyState: number) {
    this.readyState = readyState
    this.dispatchEvent(new Event('error'))
  }
}

class FakeTabs extends EventTarget {
  static names: string[] = []
  constructor(name: string) {
    super()
    FakeTabs.names.push(name)
  }
  postMessage() {}
}

const newest = () => FakeSource.all.at(-1)!
let isWanted = true
const usage = vi.fn<(used: unknown) => void>()

function follow() {
  const client = createQueryClient()
  const refetch = vi.spyOn(client, 'refetchQueries').mockResolvedValue()
  followEvents(client, { 'usage.changed': usage }, () => isWanted)
  return refetch
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('EventSource', FakeSource)
  vi.stubGlobal('BroadcastChannel', FakeTabs)
  FakeSource.all = []
  isLive.value = false
  isWanted = true
  usage.mockClear()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test('is live when the server says so, and passes on what it tells', async () => {
  const refetch = follow()
  expect(newest().url).toBe('/api/v1/events/')
  newest().say('stream.state', { live: true })
  expect(isLive.value).toBe(true)
  newest().say('usage.changed', { uploaded_bytes: 5 })
  expect(usage).toHaveBeenCalledWith({ uploaded_bytes: 5 })
  await vi.advanceTimersByTimeAsync(1500)
  // What changed before anybody listened; but not what is asked for once and never goes stale.
  expect(refetch.mock.calls).toEqual([[{ type: 'active', stale: true }]])
})

test('asks again when the server cannot know of changes, and when it tells to', async () => {
  const refetch = follow()
  newest().say('stream.state', { live: true })
  await vi.advanceTimersByTimeAsync(1500)
  newest().say('stream.state', { live: false })
  expect(isLive.value).toBe(false)
  await vi.advanceTimersByTimeAsync(1500)
  expect(refetch).toHaveBeenCalledTimes(2)
  newest().say('stream.reset', { reason: 'away' })
  await vi.advanceTimersByTimeAsync(1500)
  expect(refetch).toHaveBeenCalledTimes(3)
})

test('takes a stream that says nothing for none, as behind a proxy that buffers', async () => {
  follow()
  const first = newest()
  await vi.advanceTimersByTimeAsync(5000)
  expect(first.closed).toBe(true)
  expect(isLive.value).toBe(false)
  await vi.advanceTimersByTimeAsync(12_000)
  expect(FakeSource.all).toHaveLength(2)
})

test('does not trust a stream that has fallen silent', async () => {
  follow()
  newest().say('stream.state', { live: true })
  await vi.advanceTimersByTimeAsync(39_000)
  newest().say('stream.state', { live: true })
  await vi.advanceTimersByTimeAsync(39_000)
  expect(isLive.value).toBe(true)
  await vi.advanceTimersByTimeAsync(1000)
  expect(isLive.value).toBe(false)
})

test('does not trust the tab that has the stream when it has fallen silent', async () => {
  const all: FakeTabs[] = []
  class Tabs extends FakeTabs {
    constructor(name: string) {
      super(name)
      all.push(this)
    }
  }
  vi.stubGlobal('BroadcastChannel', Tabs)
  vi.stubGlobal('navigator', { locks: { request: () => {} } }) // another tab has it
  follow()
  const data = { name: 'stream.state', data: { live: true } }
  all[0]!.dispatchEvent(new MessageEvent('message', { data }))
  await vi.advanceTimersByTimeAsync(39_000)
  expect(isLive.value).toBe(true)
  await vi.advanceTimersByTimeAsync(2000)
  expect(isLive.value).toBe(false)
})

test('polls while the connection is lost, and comes back by itself when it was refused', async () => {
  follow()
  newest().say('stream.state', { live: true })
  newest().fail(0) // the browser tries again
  expect(isLive.value).toBe(false)
  expect(FakeSource.all).toHaveLength(1)
  newest().say('stream.state', { live: true })
  expect(isLive.value).toBe(true)
  newest().fail(2)
  await vi.advanceTimersByTimeAsync(12_000)
  expect(FakeSource.all).toHaveLength(2)
})

test('connects for nobody', async () => {
  isWanted = false
  follow()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(FakeSource.all).toHaveLength(0)
  isWanted = true
  await vi.advanceTimersByTimeAsync(12_000)
  expect(FakeSource.all.length).toBeGreaterThan(0)
})

test('shares its stream with the tabs of this product, not with those of another at the host', () => {
  const locks: string[] = []
  vi.stubGlobal('navigator', { locks: { request: (name: string) => locks.push(name) } })
  FakeTabs.names = []
  const { apiRoot } = env
  for (const base of ['/river', '/river', '/forest']) {
    env.apiRoot = `${base}/api/v1/`
    follow()
  }
  env.apiRoot = apiRoot
  for (const names of [locks, FakeTabs.names]) {
    expect(names[1]).toBe(names[0])
    expect(names[2]).not.toBe(names[0])
  }
})
