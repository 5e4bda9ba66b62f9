import { VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { expect, test, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'

import { FakeXhr } from '@/api/fakeXhr'
import { createQueryClient } from '@/api/queryClient'
import { aRequest } from '@/processing/testing'

import MosaicForm from './MosaicForm.vue'

const FILES = ['a.tif', 'b.tif'].map((name) => new File(['content'], name))
const LOST = () => Promise.reject(new TypeError('Failed to fetch'))

/** The form with two files, whose creates are answered so. */
async function open(...answers: (() => Promise<Response>)[]) {
  FakeXhr.all = []
  vi.stubGlobal('XMLHttpRequest', FakeXhr)
  const created: { key: string | null; rasters: string[] }[] = []
  vi.stubGlobal('fetch', async (request: Request) => {
    if (request.method === 'GET') return Response.json({}, { status: 404 })
    const { rasters } = await request.json()
    created.push({ key: request.headers.get('Idempotency-Key'), rasters })
    return answers.shift()!()
  })
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: '/:rest(.*)*', component: MosaicForm }],
  })
  const form = mount(MosaicForm, {
    global: { plugins: [router, [VueQueryPlugin, { queryClient: createQueryClient() }]] },
  })
  const input = form.get('input[type=file]')
  Object.defineProperty(input.element, 'files', { value: FILES })
  await input.trigger('change')
  return { form, created, router }
}

async function arrive(id: string) {
  await vi.waitFor(() => expect(FakeXhr.last.done).toBe(false))
  const received: number[] = []
  FakeXhr.last.respond(201, { id, mode: 'server', chunk_size: 9e9, chunks: 1, received })
  await flushPromises()
  FakeXhr.last.respond(200, {})
  await flushPromises()
}

async function send(form: Awaited<ReturnType<typeof open>>['form']) {
  await form.get('form').trigger('submit')
  await flushPromises()
}

test('a create whose answer was lost is repeated as the same, and its files are not', async () => {
  const { form, created, router } = await open(LOST, LOST, () =>
    Promise.resolve(Response.json(aRequest({ id: 'm1' }))),
  )
  await send(form)
  await arrive('u1')
  await arrive('u2')
  await vi.waitFor(() => expect(form.text()).toContain('isn’t responding'))
  const sent = FakeXhr.all.length
  await send(form)
  await vi.waitFor(() => expect(created).toHaveLength(2))
  expect(created[0]!.key).toBeTruthy()
  expect(created[1]).toEqual(created[0])
  expect(FakeXhr.all).toHaveLength(sent)
  await form.get('[name=name]').setValue('Another mosaic')
  await send(form)
  await vi.waitFor(() => expect(router.currentRoute.value.path).toBe('/mosaics/m1'))
  expect(created[2]!.key).not.toBe(created[0]!.key)
})

test('what has arrived and is gone since is sent again', async () => {
  const { form, created } = await open(
    () => Promise.resolve(Response.json({ code: 'not_found', detail: 'Gone.' }, { status: 404 })),
    LOST,
  )
  await send(form)
  await arrive('u1')
  await arrive('u2')
  await vi.waitFor(() => expect(form.text()).toContain('Gone.'))
  await send(form)
  expect(FakeXhr.last).toMatchObject({ method: 'GET', done: false })
  FakeXhr.last.respond(404, { code: 'not_found', detail: 'Gone.' })
  await flushPromises()
  await arrive('u3')
  FakeXhr.last.respond(404, { code: 'not_found', detail: 'Gone.' })
  await flushPromises()
  await arrive('u4')
  await vi.waitFor(() => expect(created).toHaveLength(2))
  expect(created[1]!.rasters).toEqual(['upload:u4', 'upload:u3'])
})

test('asks before the window is closed over files that are being sent', async () => {
  const { form } = await open()
  const leave = () => {
    const event = new Event('beforeunload', { cancelable: true })
    dispatchEvent(event)
    return event.defaultPrevented
  }
  expect(leave()).toBe(false)
  await send(form)
  expect(leave()).toBe(true)
  form.unmount()
  expect(leave()).toBe(false)
})
