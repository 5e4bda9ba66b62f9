import { expect, test } from 'vitest'

import { aRequest } from './testing'
import { activity, elapsed, remedy, worthRetrying } from './wording'

test.each([
  ['waiting', { status: 'pending', phase: '' }, 'Waiting for a free worker'],
  ['a phase', { phase: 'save' }, 'Saving the result'],
  ['a phase nobody knows yet', { phase: 'polish' }, 'Starting'],
  ['a step in the words of the feature', { step: 'convert' }, 'Writing tiles'],
  ['a step without words', { step: 'make_tea' }, 'Make tea'],
  ['the wish to stop', { cancel_requested: true, step: 'convert' }, 'Stopping'],
  ['the end, whatever was wished', { status: 'completed', cancel_requested: true }, 'Completed'],
] as const)('has words for %s', (_, changes, words) => {
  expect(activity(aRequest(changes), { convert: 'Writing tiles' })).toBe(words)
})

test('the advice of a feature comes before the general one; no advice is none', () => {
  expect(remedy('crashed')).toContain('once more')
  expect(remedy('crashed', { crashed: 'Do this.' })).toBe('Do this.')
  expect(remedy('constructor_of_worlds')).toBe('')
})

test('only faults that are not of the file are worth another try', () => {
  expect(worthRetrying('worker_lost')).toBe(true)
  expect(worthRetrying('no_crs')).toBe(false)
})

test('time runs from the start to the end, or to now', () => {
  const now = Date.parse('2026-01-10T12:01:31Z')
  expect(elapsed(aRequest(), now)).toBe('1 min 30 s')
  expect(elapsed(aRequest({ finished_at: '2026-01-10T12:00:15Z' }), now)).toBe('14 s')
  expect(elapsed(aRequest({ started_at: null }), now)).toBe('')
})
