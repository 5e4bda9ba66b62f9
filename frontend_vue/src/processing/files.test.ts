import { effectScope } from 'vue'
import { beforeEach, expect, type MockInstance, test, vi } from 'vitest'

import * as chunks from './chunks'
import { useFiles } from './files'

let sending: MockInstance<typeof chunks.sendChunks>
let forget: MockInstance<typeof chunks.forget>
const PATH = '/things/create/'
const one = new File(['aaa'], 'one.txt')
const two = new File(['b'], 'two.txt')

function choose(...files: File[]) {
  const scope = effectScope()
  const form = scope.run(() => useFiles(PATH))!
  form.chosen.value = files
  return { ...form, leave: () => scope.stop() }
}

// Not by mocking the module: tests of other files, which share it, have met that.
beforeEach(() => {
  sending = vi.spyOn(chunks, 'sendChunks')
  forget = vi.spyOn(chunks, 'forget')
})

test('files are uploaded in their order, and a request is created with them', async () => {
  const told: number[] = []
  const { send, sent } = choose(one, two)
  sending.mockImplementation(async (_path, file, _signal, arrived) => {
    arrived(1, true)
    told.push(sent.value)
    return file.name
  })
  const created = await send(async (uploads) => uploads)
  expect(created).toEqual(['one.txt', 'two.txt'])
  expect(told).toEqual([0.75, 1])
  expect(sent.value).toBe(0)
  expect(forget).toHaveBeenCalledTimes(2)
})

test('what was uploaded is remembered until a request has been created with it', async () => {
  sending.mockResolvedValue('u1')
  const { send } = choose(one)
  await expect(send(() => Promise.reject(new Error('Wrong.')))).rejects.toThrow('Wrong.')
  expect(forget).not.toHaveBeenCalled()
})

test('leaving the page stops what is on its way', async () => {
  sending.mockResolvedValue('u1')
  const { send, leave } = choose(one)
  await send(async (uploads) => uploads)
  leave()
  expect(sending.mock.calls[0]![2].aborted).toBe(true)
})
