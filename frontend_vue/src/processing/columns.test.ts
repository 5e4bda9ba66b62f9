import { mount } from '@vue/test-utils'
import { beforeEach, expect, test } from 'vitest'
import { nextTick } from 'vue'
import { createMemoryHistory, createRouter } from 'vue-router'

import { columns, columnWidths, hasOwnColumns, toggleColumn } from './columns'
import RequestRow from './RequestRow.vue'
import { aRequest } from './testing'

beforeEach(() => {
  columns.value = ['details', 'status']
})

test('columns are kept in their order, and remembered only when they are not the usual ones', async () => {
  toggleColumn('duration')
  toggleColumn('size')
  await nextTick()
  expect(columns.value).toEqual(['size', 'duration', 'details', 'status'])
  expect(localStorage.getItem('columns')).toBe('size,duration,details,status')
  toggleColumn('size')
  toggleColumn('duration')
  await nextTick()
  expect(hasOwnColumns.value).toBe(false)
  expect(localStorage.getItem('columns')).toBeNull()
})

test('a row has a cell for each column, with its name for those who cannot see the head', async () => {
  const request = aRequest({
    status: 'completed',
    finished_at: '2026-01-10T12:01:01Z',
    attempt: 2,
  })
  const row = mount(RequestRow, {
    props: { request, words: { thing: 'dune' }, to: '/x', now: 0, selected: false },
    global: { plugins: [createRouter({ history: createMemoryHistory(), routes: [] })] },
  })
  expect(row.text()).not.toContain('Attempts')
  columns.value = ['file', 'duration', 'attempts']
  await nextTick()
  const cells = row.findAll('.row-cell').map((cell) => cell.text().replace(/\s+/g, ' '))
  expect(cells).toEqual(['File: dunes.dat', 'Duration: 1 min', 'Attempts: 2'])
  expect(columnWidths.value.match(/minmax|rem/g)).toHaveLength(5)
})
