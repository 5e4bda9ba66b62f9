import { expect, test } from 'vitest'

import { aRequest } from './testing'
import { activity, elapsed, queuePlace, remedy, timeLeft, worthRetrying } from './wording'

test.each([
  ['waiting', { status: 'pending', phase: '' }, 'Waiting for a free worker'],
  [
    'a request for later',
    { status: 'pending', run_at: '2026-01-10T14:30:00Z' },
    'Waiting, starts Jan 10, 2026, 2:30 PM',
  ],
  [
    'a failure that is tried again',
    { status: 'pending', run_at: '2026-01-10T14:30:00Z', error_message: 'It is away.' },
    'Retries by itself, starting Jan 10, 2026, 2:30 PM: It is away.',
  ],
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
  expect(remedy('crashed')).toContain('fresh copy')
  expect(remedy('crashed', { crashed: 'Do this.' })).toBe('Do this.')
  expect(remedy('constructor_of_worlds')).toBe('')
})

test('only faults that are not of the file are worth another try', () => {
  for (const code of ['worker_lost', 'disk_full', 'storage_unavailable', 'service_unavailable']) {
    expect(worthRetrying(code)).toBe(true)
  }
  for (const code of ['no_crs', 'input_missing', 'unknown_kind']) {
    expect(worthRetrying(code)).toBe(false)
  }
  expect(worthRetrying('quota_of_the_day', ['quota_of_the_day'])).toBe(true)
})

test.each([
  ['pending', 0, 'Next in line'],
  ['pending', 1, '1 request before yours'],
  ['pending', 3, '3 requests before yours'],
  ['pending', null, ''], // only `status` tells
  ['processing', 0, ''],
] as const)('says where a request stands: %s, %s', (status, queue_position, words) => {
  expect(queuePlace(aRequest({ status, queue_position }))).toBe(words)
})

test.each([
  [900, 'a few seconds left'],
  [14_000, 'about 10 seconds left'],
  [54_000, 'about 50 seconds left'],
  [58_000, 'about a minute left'],
  [89_000, 'about a minute left'],
  [125_000, 'about 2 minutes left'],
  [17 * 60_000, 'about 15 minutes left'],
  [58 * 60_000, 'about an hour left'],
  [130 * 60_000, 'about 2 hours left'],
])('%d ms are %s', (time, words) => expect(timeLeft(time)).toBe(words))

test('time runs from the start to the end, or to now', () => {
  const now = Date.parse('2026-01-10T12:01:31Z')
  expect(elapsed(aRequest(), now)).toBe('1 min 30 s')
  expect(elapsed(aRequest({ finished_at: '2026-01-10T12:00:15Z' }), now)).toBe('14 s')
  expect(elapsed(aRequest({ started_at: null }), now)).toBe('')
})
