import { VueQueryPlugin } from '@tanstack/vue-query'
import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createMemoryHistory, createRouter } from 'vue-router'

import { createQueryClient } from '@/api/queryClient'

import type { Graph, Stage, Step } from './pipeline'
import PipelinePanel from './PipelinePanel.vue'
import { aRequest } from './testing'

let graph: Graph
let asked: URL[]

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-01-10T12:01:41Z') })
  vi.stubGlobal('ResizeObserver', WideObserver)
  asked = []
  vi.stubGlobal('fetch', async (request: Request) => {
    const url = new URL(request.url)
    asked.push(url)
    return Response.json(url.pathname.includes('/stages/') ? graph : stepsPage(url))
  })
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** Says that everything is 1280 pixels wide. */
class WideObserver {
  constructor(private tell: (entries: unknown[]) => void) {}
  observe() {
    this.tell([{ contentRect: { width: 1280 } }])
  }
  disconnect() {}
}

function aStage(key: string, changes: Partial<Stage> = {}): Stage {
  const { status = 'completed', count = 1 } = changes
  return {
    key,
    name: key,
    kind: 'counts',
    after: [],
    count,
    counts: { [status]: count },
    status,
    progress: 0,
    error_message: '',
    request: count === 1 && status !== 'waiting' ? `id-of-${key}` : null,
    ...changes,
  }
}

function stepsPage(url: URL) {
  const page = Number(url.searchParams.get('page'))
  const status = (url.searchParams.get('status') ?? 'processing') as Step['status']
  const step: Step = {
    key: `count-${page}`,
    name: `Line ${page}`,
    kind: 'counts',
    stage: 'count-0',
    after: [],
    request: 'id-of-line',
    status,
    progress: 30,
    error_message: status === 'failed' ? 'It is `not` text.' : '',
  }
  return { count: 1000, page, page_size: 20, pages: 50, results: [step] }
}

async function pass(milliseconds: number) {
  await vi.advanceTimersByTimeAsync(milliseconds)
  await flushPromises()
}

async function open(stages: Stage[], changes = {}) {
  graph = { steps: 1003, stages, left_out: 0 }
  const missing = { path: '/:rest(.*)*', name: 'missing', component: { template: '<p />' } }
  const router = createRouter({
    history: createMemoryHistory(),
    routes: [{ path: '/counts/:id', component: missing.component }, missing],
  })
  const panel = mount(PipelinePanel, {
    props: { request: aRequest({ is_pipeline: true, ...changes }) },
    attachTo: document.body,
    global: { plugins: [router, [VueQueryPlugin, { queryClient: createQueryClient() }]] },
  })
  await pass(1)
  return panel
}

const THREE = [
  aStage('lines'),
  aStage('count-0', {
    name: 'Word count',
    after: ['lines'],
    count: 1000,
    status: 'processing',
    counts: { completed: 600, failed: 2, processing: 3, pending: 395 },
    progress: 60,
  }),
  aStage('merge', { after: ['count-0'], status: 'waiting', kind: 'merges' }),
]

test('a pipeline is a list in the order of the work, each entry with what it comes after', async () => {
  const panel = await open(THREE)
  const items = panel.findAll('ol > li').map((item) => item.text().replace(/\s+/g, ' '))
  expect(items).toEqual([
    'lines Completed',
    'Word count × 1 000 Processing60 % 2 failed, 3 processing, 395 waiting, ' +
      '600 completedAfter lines.',
    'merge Not startedAfter Word count.',
  ])
  expect(panel.text()).toContain(
    '2 failed, 3 processing, 395 waiting, 601 completed, 1 not started',
  )
  expect(panel.findAll('svg path.done')).toHaveLength(1)
  expect(panel.find('.graph > svg').attributes('aria-hidden')).toBe('true')
})

test('a step leads to its page: that of its kind, or the one for all kinds', async () => {
  const panel = await open([aStage('lines'), aStage('merge', { kind: 'merges' })])
  expect(panel.findAll('ol a').map((link) => link.attributes('href'))).toEqual([
    '/counts/id-of-lines',
    '/requests/id-of-merge',
  ])
})

test('a step that failed says why', async () => {
  const failed = aStage('merge', { status: 'failed', error_message: 'Run `fix`.' })
  const panel = await open([failed])
  expect(panel.find('li').text()).toContain('Run fix.')
})

test('many steps open into pages of a list, and the focus comes back', async () => {
  const panel = await open(THREE)
  const button = panel.find<HTMLElement>('li button')
  expect(button.attributes('aria-expanded')).toBe('false')
  expect(button.attributes('aria-label')).toBe('Word count, 1\u202f000 steps')
  await button.trigger('click')
  await pass(1)
  expect(button.attributes('aria-expanded')).toBe('true')
  expect(panel.find(`#${button.attributes('aria-controls')}`).text()).toContain('Line 1')
  expect(document.activeElement?.textContent).toContain('Word count')
  await panel.find('button[aria-label="Next page"]').trigger('click')
  await pass(1)
  expect(panel.text()).toContain('Page 2 of 50')
  const failed = panel.findAll('.step-filter').find((one) => one.text().startsWith('Failed'))!
  expect(failed.text()).toBe('Failed 2')
  await failed.trigger('click')
  await pass(1)
  expect(asked.at(-1)!.search).toBe('?stage=count-0&status=failed&page=1&page_size=20')
  expect(panel.find('.step-row').text()).toContain('It is not text.')
  expect(panel.find('.step-row a').attributes('href')).toBe('/counts/id-of-line')
  await panel.find('section section').trigger('keydown', { key: 'Escape' })
  await pass(1)
  expect(panel.find('.step-row').exists()).toBe(false)
  expect(document.activeElement).toBe(button.element)
})

test('it asks once in two seconds, for the list only when its stage has changed, and ends', async () => {
  const panel = await open(THREE)
  await panel.find('li button').trigger('click')
  await pass(1)
  asked = []
  await pass(6000)
  expect(asked.map((url) => url.pathname.split('/').at(-3))).toEqual(['stages', 'stages', 'stages'])
  graph = {
    ...graph,
    stages: THREE.map((stage) => (stage.count > 1 ? { ...stage, progress: 61 } : { ...stage })),
  }
  asked = []
  await pass(2000)
  expect(asked.map((url) => url.pathname.split('/').at(-3))).toEqual(['stages', 'steps'])
  asked = []
  await panel.setProps({ request: aRequest({ is_pipeline: true, status: 'completed' }) })
  await pass(60_000)
  expect(asked.map((url) => url.pathname.split('/').at(-3))).toEqual(['stages'])
})

test('stages that are not told are counted', async () => {
  const panel = await open([aStage('lines')])
  expect(panel.text()).not.toContain('more stages')
  graph = { ...graph, left_out: 12 }
  await pass(2000)
  expect(panel.text()).toContain('12 more stages')
})
