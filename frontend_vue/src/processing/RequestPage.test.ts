import { VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'

import { ApiError, unreachable } from '@/api/errors'
import { createQueryClient } from '@/api/queryClient'

import RequestPage from './RequestPage.vue'
import { anApi, anAttempt, aRequest } from './testing'
import type { ProcessingApi } from './types'

const NOW = Date.parse('2026-01-10T12:01:41Z') // 100 s after `aRequest()` began
beforeEach(() => void vi.useFakeTimers({ now: NOW }))
afterEach(() => void vi.useRealTimers())

/** Lets time pass, and everything that was due in it finish. */
async function pass(milliseconds: number) {
  await vi.advanceTimersByTimeAsync(milliseconds)
  await flushPromises()
}

async function open(calls: Partial<ProcessingApi>, slots: Record<string, string> = {}) {
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: '/:rest(.*)*', component: { template: '<p />' } }],
  })
  await router.push('/things/7')
  const queryClient = createQueryClient()
  const page = mount(RequestPage, {
    props: {
      api: anApi(calls),
      id: '7',
      listTitle: 'Things',
      words: { thing: 'thing', steps: { brew: 'Making tea' } },
    },
    slots: { result: '<output>{{ params.result }}</output>', ...slots },
    attachTo: document.body,
    global: {
      stubs: { PipelinePanel: true },
      plugins: [router, [VueQueryPlugin, { queryClient }]],
    },
  })
  await pass(1) // Vue drops an event of the very moment in which its listener came to be.
  const press = async (label: string) => {
    // In the document and not in the page: a dialog stands beside it.
    const buttons = [...document.querySelectorAll<HTMLElement>('button')]
    buttons
      .filter((button) => button.textContent!.trim() === label)
      .at(-1)!
      .click()
    await pass(1)
  }
  return { page, router, press, queryClient }
}

test('shows what is going on, in the words of the feature', async () => {
  const { page } = await open({ status: async () => aRequest({ step: 'brew', progress: 40 }) })
  expect(page.find('h2').text()).toBe('Making tea')
  expect(page.find('[role=progressbar]').attributes('aria-valuenow')).toBe('40')
  expect(page.find('[aria-current=step]').text()).toBe('Process')
  expect(document.title).toBe('40 % · dunes · Development')
})

test('hands the result to the feature', async () => {
  const { page } = await open({
    status: async () => aRequest({ status: 'completed' }),
    results: async () => 'the result',
  })
  expect(page.find('output').text()).toBe('the result')
})

test('a result that cannot be had is an error with a way on', async () => {
  const results = vi
    .fn<ProcessingApi['results']>()
    .mockRejectedValueOnce(new ApiError(500, 'internal_error', 'Our fault.'))
    .mockResolvedValue('the result')
  const { page, press } = await open({
    status: async () => aRequest({ status: 'completed' }),
    results,
  })
  expect(page.find('[role=alert]').text()).toContain('Our fault.')
  await press('Retry')
  expect(page.find('output').text()).toBe('the result')
})

test('a failure of the file shows its sentence, and is not offered again', async () => {
  const failed = aRequest({ status: 'failed', error_code: 'bad', error_message: 'Bad.' })
  const { page } = await open({ status: async () => failed })
  expect(page.find('section p').text()).toBe('Bad.')
  expect(page.text()).not.toContain('Retry')
})

test('a failure that may pass shows its sentence, and can be retried', async () => {
  const failed = aRequest({
    status: 'failed',
    error_code: 'disk_full',
    error_message: 'Run `fix it`.',
  })
  const retry = vi.fn<ProcessingApi['retry']>(async () => aRequest({ status: 'pending' }))
  const { page, press } = await open({ status: async () => failed, retry })
  expect(page.find('section p').text()).toBe('Run fix it.')
  expect(page.find('code').text()).toBe('fix it')
  await press('Retry')
  expect(retry).toHaveBeenCalledWith('7')
  expect(page.find('h2').text()).toBe('Waiting for a free worker')
})

test('a running request can be stopped', async () => {
  const cancel = vi.fn<ProcessingApi['cancel']>(async () => aRequest({ cancel_requested: true }))
  const { page, press } = await open({ status: async () => aRequest(), cancel })
  await press('Cancel')
  expect(cancel).toHaveBeenCalledWith('7')
  expect(page.find('h2').text()).toBe('Stopping')
})

test('deleting asks first, then leads back to the list', async () => {
  const remove = vi.fn<ProcessingApi['remove']>(async () => {})
  const { router, press } = await open({
    status: async () => aRequest({ status: 'cancelled' }),
    remove,
  })
  await press('Delete')
  await press('Keep it')
  expect(remove).not.toHaveBeenCalled()
  await press('Delete')
  await press('Delete')
  expect(remove).toHaveBeenCalledWith('7')
  expect(router.currentRoute.value.path).toBe('/things')
})

test('a deletion that the page is told of before its answer leads back to the list', async () => {
  let done = () => {}
  const status = vi.fn<ProcessingApi['status']>(async () => aRequest({ status: 'cancelled' }))
  const { page, router, press, queryClient } = await open({
    status,
    remove: () => new Promise<void>((resolve) => (done = resolve)),
  })
  await press('Delete')
  await press('Delete')
  status.mockRejectedValue(new ApiError(404, 'not_found', 'Not found.'))
  void queryClient.invalidateQueries() // as an event of the stream does
  await pass(1)
  expect(page.find('h1').text()).toBe('There is no such thing')
  done()
  await pass(1)
  expect(router.currentRoute.value.path).toBe('/things')
})

test('a request that is not there, or not yours, says so', async () => {
  const { page } = await open({
    status: () => Promise.reject(new ApiError(404, 'not_found', 'Not found.')),
  })
  expect(page.find('h1').text()).toBe('There is no such thing')
})

test('what could not be loaded stays said while it is asked for again', async () => {
  const status = vi.fn<ProcessingApi['status']>(() =>
    Promise.reject(new ApiError(404, 'not_found', 'Not found.')),
  )
  const { page, queryClient } = await open({ status })
  status.mockImplementation(() => new Promise(() => {}))
  void queryClient.invalidateQueries() // as a stream does when it is connected
  await pass(1)
  expect(status).toHaveBeenCalledTimes(2)
  expect(page.find('h1').text()).toBe('There is no such thing')
})

test('a waiting request tells its place, and that it is the next', async () => {
  const status = vi.fn<ProcessingApi['status']>(async () =>
    aRequest({ status: 'pending', started_at: null, attempt: 0, progress: 0, queue_position: 3 }),
  )
  const { page } = await open({ status })
  expect(page.text()).toContain('3 requests before yours.')
  expect(page.text()).not.toContain('Running for')
  status.mockResolvedValue(
    aRequest({ status: 'pending', started_at: null, attempt: 0, progress: 0, queue_position: 0 }),
  )
  await pass(2000)
  expect(page.text()).toContain('Next in line.')
  expect(page.findAll('[role=status]').map((region) => region.text())).toContain('Next in line')
  expect(page.find('details').exists()).toBe(false)
})

test('a running request tells how long it has run and how long it may take', async () => {
  const status = vi.fn<ProcessingApi['status']>(async () => aRequest({ progress: 50 }))
  const { page } = await open({ status })
  expect(page.text()).toContain('Running for 1 min 40 s, about 2 minutes left.')
  status.mockRejectedValue(unreachable())
  await pass(2000)
  expect(page.text()).toContain('isn’t responding')
  expect(page.text()).toContain('Running for')
  expect(page.text()).not.toContain('left')
  status.mockResolvedValue(aRequest({ progress: 51 }))
  await pass(5000)
  expect(page.text()).toContain('is responding again')
  expect(page.text()).toContain('about 2 minutes left')
})

test('an attempt after a lost worker says so, and is timed from its own start', async () => {
  const { page } = await open({
    status: async () => aRequest({ attempt: 2, progress: 50 }),
    history: async () => [
      anAttempt({ outcome: 'lost', finished_at: '2026-01-10T12:01:20Z' }),
      anAttempt({ number: 2, started_at: '2026-01-10T12:01:21Z' }),
    ],
  })
  expect(page.text()).toContain('The worker stopped responding; trying again (2 of 3).')
  expect(page.text()).toContain('Running for 20 s, about 20 seconds left.')
})

test('work that a worker gave back says so while it waits', async () => {
  const { page } = await open({
    status: async () =>
      aRequest({ status: 'pending', attempt: 1, max_attempts: 4, queue_position: 0 }),
    history: async () => [anAttempt({ outcome: 'released', finished_at: '2026-01-10T12:01:20Z' })],
  })
  expect(page.text()).toContain('The worker was restarted; starting again.')
})

test('asks about attempts once for each, and never again when all is over', async () => {
  const history = vi.fn<ProcessingApi['history']>(async () => [anAttempt({ outcome: 'lost' })])
  const status = vi.fn<ProcessingApi['status']>(async () => aRequest({ attempt: 2 }))
  await open({ status, history, results: async () => 'the result' })
  await pass(60_000)
  expect(history).toHaveBeenCalledTimes(1)
  status.mockResolvedValue(aRequest({ attempt: 3 }))
  await pass(2000)
  expect(history).toHaveBeenCalledTimes(2)
  status.mockResolvedValue(aRequest({ attempt: 3, status: 'completed' }))
  await pass(600_000)
  expect(history).toHaveBeenCalledTimes(2)
})

async function openHistory(page: Awaited<ReturnType<typeof open>>['page']) {
  const details = page.find('details')
  details.element.open = true
  await details.trigger('toggle')
  await pass(0)
}

test('the history of a failure is asked for when it is opened', async () => {
  const history = vi.fn<ProcessingApi['history']>(async () => [
    anAttempt({ outcome: 'lost', error_code: 'worker_lost', finished_at: '2026-01-10T12:01:21Z' }),
    anAttempt({
      number: 2,
      outcome: 'failed',
      error_code: 'service_unavailable',
      started_at: '2026-01-10T12:01:30Z',
      finished_at: '2026-01-10T12:01:35Z',
      calls: [
        { method: 'GET', host: 'maps.example.org', outcome: '503' },
        { method: 'GET', host: 'maps.example.org', outcome: '200', seconds: 1.24 },
      ],
    }),
  ])
  const { page } = await open({
    status: async () =>
      aRequest({ status: 'failed', attempt: 2, error_code: 'service_unavailable' }),
    history,
  })
  await pass(60_000)
  expect(history).not.toHaveBeenCalled()
  await openHistory(page)
  const items = page.findAll('details ol > li').map((item) => item.text())
  expect(items).toHaveLength(2)
  for (const part of ['1.', 'The worker stopped responding', 'worker_lost', '1 min 20 s']) {
    expect(items[0]).toContain(part)
  }
  const call = ['GET maps.example.org', '503, 200', '(2 tries)', '1.2 s']
  for (const part of ['2.', 'Failed', 'service_unavailable', '5 s', ...call]) {
    expect(items[1]).toContain(part)
  }
  await pass(600_000)
  expect(history).toHaveBeenCalledTimes(1)
})

test('an open history follows the work, one question at a time', async () => {
  let answer: ((attempts: []) => void) | undefined
  const history = vi
    .fn<ProcessingApi['history']>()
    .mockResolvedValueOnce([anAttempt({ outcome: 'lost' }), anAttempt({ number: 2 })])
    .mockImplementation(() => new Promise((resolve) => (answer = resolve)))
  const { page } = await open({ status: async () => aRequest({ attempt: 2 }), history })
  await openHistory(page)
  await pass(60_000)
  expect(history).toHaveBeenCalledTimes(2)
  expect(page.findAll('details ol > li')).toHaveLength(2)
  answer?.([])
  await pass(2000)
  expect(history).toHaveBeenCalledTimes(3)
  expect(page.findAll('details ol > li')).toHaveLength(0)
})

test('a history that cannot be had says why, and recovers when the server is back', async () => {
  const history = vi
    .fn<ProcessingApi['history']>()
    .mockRejectedValueOnce(unreachable())
    .mockResolvedValue([anAttempt({ outcome: 'failed' })])
  const { page } = await open({ status: async () => aRequest({ status: 'failed' }), history })
  await openHistory(page)
  expect(page.find('details [role=alert]').text()).toContain('could not be loaded')
  await pass(5000)
  expect(page.findAll('details ol > li')).toHaveLength(1)
})

test.each([
  ['completed at the first attempt', { status: 'completed' }, false, false],
  ['completed at the first attempt, with calls', { status: 'completed' }, true, true],
  ['completed at the second', { status: 'completed', attempt: 2 }, false, true],
  ['failed at the first', { status: 'failed' }, false, true],
  ['cancelled before it began', { status: 'cancelled', attempt: 0 }, true, false],
] as const)('whether there is a history: %s', async (_, changes, callsServices, shown) => {
  const { page } = await open({
    status: async () => aRequest(changes),
    results: async () => 'the result',
    callsServices,
  })
  expect(page.find('details').exists()).toBe(shown)
})

test.each([
  ['storage_unavailable', 'Retry'],
  ['service_unavailable', 'Retry'],
  ['input_missing', 'Upload another file'],
])('after %s the main button is “%s”', async (error_code, label) => {
  const { page } = await open({ status: async () => aRequest({ status: 'failed', error_code }) })
  expect(page.findAll('.button-primary').map((button) => button.text())).toEqual([label])
})

test('a pipeline that failed is retried from the failed step, and deleted with its steps', async () => {
  const request = aRequest({ status: 'failed', error_code: 'step_failed', is_pipeline: true })
  const retry = vi.fn<ProcessingApi['retry']>(async () => aRequest({ status: 'pending' }))
  const { page, press } = await open({ status: async () => request, retry })
  expect(page.text()).toContain('Retry continues from the failed step.')
  await press('Delete')
  expect(document.body.textContent).toContain('“dunes”, its steps and all files made from it')
  await press('Keep it')
  await press('Retry')
  expect(retry).toHaveBeenCalledWith('7')
})

test('a running pipeline has no phases, and says what cancelling does', async () => {
  const { page } = await open({ status: async () => aRequest({ is_pipeline: true }) })
  expect(page.find('h2').text()).toBe('Running its steps')
  expect(page.text()).toContain('all its steps stop')
  expect(page.find('[aria-current=step]').exists()).toBe(false)
})

test.each([
  ['failed', 'it continues from this step'],
  ['cancelled', 'it continues from this step'],
  ['processing', 'If you cancel this step, the pipeline fails'],
  ['completed', 'kept as long as the pipeline'],
] as const)(
  'a step that is %s leads to its pipeline, which alone can change it',
  async (...how) => {
    const [status, sentence] = how
    const calls: string[] = []
    vi.stubGlobal('fetch', async ({ url }: Request) => {
      calls.push(new URL(url).pathname)
      return Response.json(aRequest({ id: '3', name: 'coast', kind: 'digests', is_pipeline: true }))
    })
    const step = aRequest({ status, parent: '3', error_code: 'disk_full' })
    const { page } = await open({ status: async () => step, results: async () => 'the result' })
    await pass(1)
    vi.unstubAllGlobals()
    expect(calls).toEqual(['/api/v1/requests/status/3/'])
    const way = page.find('nav[aria-label=Breadcrumb]')
    expect(way.find('a').text()).toBe('coast')
    expect(way.find('a').attributes('href')).toBe('/digests/3')
    expect(way.find('[aria-current=page]').text()).toBe('dunes')
    expect(page.text()).toContain(sentence)
    const buttons = page.findAll('button').map((button) => button.text())
    expect(buttons).toEqual(status === 'processing' ? ['Cancel'] : [])
  },
)

test('a failure takes another file in place where the feature has a form, else leads to the list', async () => {
  const status = async () => aRequest({ status: 'failed', error_code: 'no_tea' })
  const links = (page: { findAll: (by: string) => { text: () => string }[] }) =>
    page.findAll('a').map((link) => link.text())
  const plain = await open({ status })
  expect(links(plain.page)).toContain('Upload another file')
  const { page } = await open({ status }, { another: '<form>{{ params.request.id }}</form>' })
  expect(links(page)).not.toContain('Upload another file')
  expect(page.get('section[aria-labelledby=another-title] form').text()).toBe('7')
})
