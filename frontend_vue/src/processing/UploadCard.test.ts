import { VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'

import { FakeXhr } from '@/api/fakeXhr'
import { createQueryClient } from '@/api/queryClient'

import { anApi, aRequest } from './testing'
import UploadCard from './UploadCard.vue'
import { createUploads, type Uploads } from './uploads'

const usage = {
  uploaded_bytes: 0,
  daily_bytes: null as number | null,
  cpu_seconds: 0,
  daily_cpu_seconds: null as number | null,
  resets_at: '',
}
const begun: Uploads[] = []
// Of what goes on the window would ask before it is left, in the tests of other files too.
afterEach(() => begun.splice(0).forEach((uploads) => uploads.cancelAll()))
beforeEach(() => {
  FakeXhr.all = []
  vi.stubGlobal('XMLHttpRequest', FakeXhr)
  vi.stubGlobal('fetch', async () => Response.json(usage))
})

const file = (name: string, content = 'content') => new File([content], name)

async function open(slots = {}) {
  const page = { template: '<p />' }
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: '/:rest(.*)*', component: page }],
  })
  await router.push('/things')
  const api = anApi()
  const uploads = createUploads(api)
  begun.push(uploads)
  const card = mount(UploadCard, {
    props: {
      api,
      uploads,
      words: { thing: 'thing' },
      endings: ['.dat'],
      invitation: 'a data file',
      hint: '',
      fields: { profile: 'small' },
    },
    global: { plugins: [router, [VueQueryPlugin, { queryClient: createQueryClient() }]] },
    slots,
  })
  return { card, router }
}

async function drop(...files: File[]) {
  const data = { types: ['Files'], files }
  for (const name of ['dragover', 'drop']) {
    const event = Object.assign(new Event(name, { cancelable: true }), { dataTransfer: data })
    dispatchEvent(event)
    expect(event.defaultPrevented).toBe(true)
  }
  await flushPromises()
}

test('a file dropped anywhere is sent, and its page is opened', async () => {
  const { card, router } = await open()
  await drop(file('DUNES.DAT'))
  expect(FakeXhr.last.form!.get('profile')).toBe('small')
  FakeXhr.last.progress(1, 4)
  await flushPromises()
  expect(card.find('[role=progressbar]').attributes('aria-valuenow')).toBe('25')
  FakeXhr.last.respond(201, aRequest({ id: '12' }))
  await flushPromises()
  expect(router.currentRoute.value.path).toBe('/things/12')
})

test('files that cannot be put together are not gone without a word', async () => {
  const { card } = await open()
  // As after a release, where the program that packs them is no longer there.
  await card.setProps({ bundle: () => Promise.reject(new TypeError('Failed to fetch')) })
  await drop(file('a.dat'))
  expect(card.get('[role=alert]').text()).toContain('Choose them again')
  expect(FakeXhr.all).toHaveLength(0)
})

test('a folder that cannot be read is not gone without a word', async () => {
  const { card } = await open()
  const createReader = () => ({ readEntries: (_: unknown, fail: () => void) => fail() })
  const entry = { name: 'survey', isDirectory: true, createReader }
  const dataTransfer = { types: ['Files'], files: [], items: [{ webkitGetAsEntry: () => entry }] }
  dispatchEvent(Object.assign(new Event('drop', { cancelable: true }), { dataTransfer }))
  await flushPromises()
  expect(card.get('[role=alert]').text()).toContain('Choose them again')
})

test('after several files the list stays', async () => {
  const { router } = await open()
  await drop(file('a.dat'), file('b.dat'))
  FakeXhr.last.respond(201, aRequest())
  await flushPromises()
  FakeXhr.last.respond(201, aRequest())
  await flushPromises()
  expect(FakeXhr.all).toHaveLength(2)
  expect(router.currentRoute.value.path).toBe('/things')
})

test.each([
  ['another kind of file', file('report.pdf'), 'This does not end in .dat.'],
  ['an empty file', file('a.dat', ''), 'This file is empty.'],
])('refuses %s without sending it, and sends the others', async (_, wrong, reason) => {
  const { card } = await open()
  await drop(file('good.dat'), wrong)
  expect(FakeXhr.all).toHaveLength(1)
  const bad = card.get('li:has([role=alert])')
  const good = card.get('li:not(:has([role=alert]))')
  expect(good.text()).toContain('good.dat')
  expect(bad.get('[role=alert]').text()).toContain(reason)
  expect(card.text()).toContain('0 of 2 files')
  expect(card.text()).toContain('1 failed')
})

test('a queue that is paused can go on, also when one file is left of it', async () => {
  const { card } = await open()
  await drop(file('a.dat'), file('b.dat'))
  const press = (text: string) =>
    card
      .findAll('button')
      .find((button) => button.text() === text)!
      .trigger('click')
  await press('Pause')
  await flushPromises()
  await card.find('[aria-label="Cancel the upload of a.dat"]').trigger('click')
  const sent = FakeXhr.all.length
  await press('Resume')
  await flushPromises()
  expect(FakeXhr.all).toHaveLength(sent + 1)
})

test('a folder brings all of its files, and no hidden ones', async () => {
  const { card } = await open()
  const entryOf = (one: File) => ({
    name: one.name,
    isFile: true,
    isDirectory: false,
    file: (done: (file: File) => void) => done(one),
  })
  const folder = (name: string, ...batches: unknown[][]) => ({
    name,
    isFile: false,
    isDirectory: true,
    createReader: () => ({
      readEntries: (done: (found: unknown[]) => void) => done(batches.shift() ?? []),
    }),
  })
  const inside = folder('deep', [entryOf(file('b.dat'))], [entryOf(file('c.dat'))])
  const top = folder('top', [entryOf(file('a.dat')), entryOf(file('.DS_Store')), inside])
  const items = [{ webkitGetAsEntry: () => top }]
  const data = { types: ['Files'], files: [], items }
  dispatchEvent(Object.assign(new Event('drop', { cancelable: true }), { dataTransfer: data }))
  await vi.waitFor(() => expect(card.findAll('li')).toHaveLength(3))
  expect(card.text()).toContain('0 of 3 files')
})

test('shows why an upload failed, and sends it again when asked', async () => {
  const { card, router } = await open()
  await drop(file('a.dat'))
  FakeXhr.last.respond(507, '')
  await flushPromises()
  expect(card.find('li [role=alert]').text()).toContain('no disk space left')
  await card.find('li button').trigger('click')
  await flushPromises()
  expect(FakeXhr.all).toHaveLength(2)
  expect(card.findAll('li')).toHaveLength(1)
  FakeXhr.last.respond(201, aRequest({ id: '12' }))
  await flushPromises()
  expect(router.currentRoute.value.path).toBe('/things/12')
})

test('does not offer to send again what would be refused again', async () => {
  const { card } = await open()
  await drop(file('a.dat'))
  FakeXhr.last.respond(413, '')
  await flushPromises()
  expect(card.find('li [role=alert]').text()).toContain('larger than this server accepts')
  expect(card.findAll('li button').map((button) => button.attributes('aria-label'))).toEqual([
    'Dismiss a.dat',
  ])
})

test('says that the connection was lost and that it tries again', async () => {
  vi.useFakeTimers()
  try {
    const { card } = await open()
    await drop(file('a.dat'))
    FakeXhr.last.fail()
    await vi.advanceTimersByTimeAsync(0)
    await flushPromises()
    expect(card.find('li [role=status]').text()).toBe(
      'The connection was lost; trying again in a moment.',
    )
    await vi.advanceTimersByTimeAsync(1000)
    expect(card.find('li [role=status]').text()).toContain('sending it again.')
  } finally {
    vi.useRealTimers()
  }
})

test('an upload can be cancelled', async () => {
  const { card } = await open()
  await drop(file('a.dat'))
  await card.find('[aria-label="Cancel the upload of a.dat"]').trigger('click')
  await flushPromises()
  expect(FakeXhr.last.aborted).toBe(true)
  expect(card.find('li').exists()).toBe(false)
})

test('tells what of the day is used, and when there is becomes available', async () => {
  const { card } = await open()
  await flushPromises()
  expect(card.find('[role=meter]').exists()).toBe(false)

  Object.assign(usage, {
    uploaded_bytes: 4.2e9,
    daily_bytes: 2e10,
    resets_at: '2026-01-11T00:00:00Z',
  })
  const limited = (await open()).card
  await flushPromises()
  expect(limited.find('[role=meter]').attributes('aria-valuenow')).toBe('21')
  expect(limited.text()).toContain('4.20 GB of 20.0 GB uploaded today')
  expect(limited.text()).not.toContain('becomes available')

  Object.assign(usage, { uploaded_bytes: 2e10 })
  const full = (await open()).card
  await flushPromises()
  expect(full.text()).toMatch(/More becomes available at \d\d:\d\d( AM)?\./)
})

test('the processor time of the day is shown once half of it is used', async () => {
  Object.assign(usage, { uploaded_bytes: 0, daily_bytes: null, cpu_seconds: 7199 })
  Object.assign(usage, { daily_cpu_seconds: 14400 })
  const calm = (await open()).card
  await flushPromises()
  expect(calm.find('[role=meter]').exists()).toBe(false)

  Object.assign(usage, { cpu_seconds: 12600.4 })
  const used = (await open()).card
  await flushPromises()
  expect(used.findAll('[role=meter]')).toHaveLength(1)
  expect(used.get('[role=meter]').attributes('aria-valuenow')).toBe('88')
  expect(used.text()).toContain('3 h 30 min of 4 h processor time used today')

  Object.assign(usage, { cpu_seconds: 20000 })
  const spent = (await open()).card
  await flushPromises()
  expect(spent.text()).toContain('5 h 33 min of 4 h processor time used today')
  expect(spent.text()).toContain('More becomes available at')
})

test('nothing is sent while a field is empty that must be filled in', async () => {
  const { card } = await open({ options: '<input id="place" required />' })
  await drop(file('dunes.dat'))
  expect(FakeXhr.all).toEqual([])
  expect(card.get('[role=alert]').text()).toContain('A field above is missing')
  await card.get<HTMLInputElement>('#place').setValue('Lyngby')
  await drop(file('dunes.dat'))
  expect(FakeXhr.all).toHaveLength(1)
  expect(card.get('[role=alert]').text()).toBe('')
})
