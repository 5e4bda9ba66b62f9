import { expect, test } from 'vitest'
import type { LocationQuery } from 'vue-router'

import { isFiltered, readState, toConditions, toggleStatus, toQuery, writeState } from './listState'
import { STATUSES } from './wording'

const BATCH = '0b0f4f2e-6f0e-4b5c-9d0f-5f6c0a3d9a51'
const USUAL = {
  statuses: [],
  search: '',
  batch: '',
  from: '',
  to: '',
  ordering: '-created_at',
  page: 1,
}

test('an address without a word is the usual list, and the usual list has such an address', () => {
  expect(readState({})).toEqual(USUAL)
  expect(writeState(readState({}))).toEqual({})
  expect(isFiltered(readState({ ordering: 'name', page: '3' }))).toBe(false)
})

test('what an address says is what it is written as', () => {
  const query = {
    status: 'failed,cancelled',
    search: 'dunes',
    batch: BATCH,
    from: '2026-03-01',
    to: '2026-03-02',
    ordering: 'name',
    page: '2',
  }
  expect(writeState(readState(query))).toEqual({ ...query, page: 2 })
  expect(isFiltered(readState(query))).toBe(true)
})

test.each<LocationQuery>([
  { status: 'done' },
  { status: 'toString' },
  { batch: '1' },
  { ordering: 'owner' },
  { ordering: 'constructor' },
  { from: 'yesterday' },
  { to: '2026-13-01' },
  { page: '-1' },
  { page: 'x' },
  { other: '1' },
])('what makes no sense is left out: %o', (query) => {
  expect(readState(query)).toEqual(USUAL)
})

test('statuses are added and removed one by one, in the order of their labels', () => {
  expect(readState({ status: 'cancelled,none,failed' }).statuses).toEqual(['failed', 'cancelled'])
  expect(toggleStatus([], 'cancelled')).toEqual(['cancelled'])
  expect(toggleStatus(['cancelled'], 'failed')).toEqual(['failed', 'cancelled'])
  expect(toggleStatus(['failed', 'cancelled'], 'failed')).toEqual(['cancelled'])
  const others = STATUSES.filter((status) => status !== 'failed')
  expect(toggleStatus(others, 'failed')).toEqual([])
})

test('the API is asked for all that is chosen', () => {
  const asked = toConditions(readState({ status: 'failed,cancelled', batch: BATCH }))
  expect(asked).toMatchObject({ status: 'failed,cancelled', batch: BATCH })
})

test('days begin at midnight of the visitor, and the last one belongs to the range', () => {
  const asked = toConditions(readState({ from: '2026-03-01', to: '2026-03-31' }))
  expect(asked.created_after).toBe(new Date(2026, 2, 1).toISOString())
  expect(asked.created_before).toBe(new Date(2026, 3, 1).toISOString())
})

test('the API is asked for the order and the page', () => {
  expect(toQuery(readState({ search: 'a', page: '2', ordering: 'name' }), 20)).toEqual({
    search: 'a',
    page: 2,
    page_size: 20,
    ordering: 'name',
  })
})
