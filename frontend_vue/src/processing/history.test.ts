import { expect, test } from 'vitest'

import { groupCalls, restartReason } from './history'
import { anAttempt, aRequest } from './testing'
import type { Attempt } from './types'

/** Attempts one minute apart, with these outcomes; the first begins as `aRequest()` does. */
const attempts = (...outcomes: Attempt['outcome'][]) =>
  outcomes.map((outcome, index) =>
    anAttempt({ number: index + 1, outcome, started_at: `2026-01-10T12:0${index}:01.5Z` }),
  )

test.each([
  ['a first attempt', { attempt: 1 }, attempts('running'), ''],
  [
    'a lost worker, and another has it',
    { attempt: 2 },
    attempts('lost', 'running'),
    'The worker stopped responding; trying again (2 of 3)',
  ],
  [
    'a lost worker, and nobody has it yet',
    { attempt: 2, status: 'pending' },
    attempts('lost', 'lost'),
    'The worker stopped responding; trying again (3 of 3)',
  ],
  [
    'a restart, which raises the number of attempts',
    { attempt: 1, max_attempts: 4, status: 'pending' },
    attempts('released'),
    'The worker was restarted; starting again',
  ],
  [
    'a restart, then a lost worker',
    { attempt: 3, max_attempts: 4 },
    attempts('released', 'lost', 'running'),
    'The worker stopped responding; trying again (2 of 3)',
  ],
  [
    'a retry that somebody asked for, running',
    { attempt: 4, max_attempts: 6, started_at: '2026-01-10T12:03:00Z' },
    attempts('lost', 'lost', 'lost', 'running'),
    '',
  ],
  [
    'the same, waiting',
    { attempt: 3, max_attempts: 6, started_at: null, status: 'pending' },
    attempts('lost', 'lost', 'lost'),
    '',
  ],
  [
    'a worker lost after a retry',
    { attempt: 3, max_attempts: 4, started_at: '2026-01-10T12:01:00Z' },
    attempts('failed', 'lost', 'running'),
    'The worker stopped responding; trying again (2 of 3)',
  ],
] as const)('tells why it runs again: %s', (_, changes, history, words) => {
  expect(restartReason(aRequest(changes), history)).toBe(words)
})

const call = (outcome: string, seconds?: number, host = 'maps.example.org') => ({
  method: 'GET',
  host,
  outcome,
  seconds,
})

test('a single call is a line without counts', () => {
  expect(groupCalls([call('200', 0.25)])).toEqual([
    { method: 'GET', host: 'maps.example.org', answers: ['200'], tries: '', seconds: 0.25 },
  ])
})

test('tries of a call are one line, with all answers in order', () => {
  const [group] = groupCalls([call('503'), call('503'), call('ReadTimeoutError'), call('200', 2)])
  expect(group).toMatchObject({
    answers: ['503 × 2', 'timed out', '200'],
    tries: '4 tries',
    seconds: 2,
  })
})

test('several calls are told from several tries', () => {
  const [group] = groupCalls([
    call('200', 1),
    call('503'),
    call('200', 2),
    call('NewConnectionError'),
  ])
  expect(group).toMatchObject({
    answers: ['200', '503', '200', 'no connection'],
    tries: '3 calls, 4 tries',
    seconds: 3,
  })
})

test('a call that was never answered took no time that anybody knows', () => {
  const [group] = groupCalls([call('502'), call('502')])
  expect(group).toMatchObject({ tries: '2 tries', seconds: null })
})

test('other services are other lines', () => {
  const groups = groupCalls([call('200', 1), call('200', 1, 'other.example.org'), call('200', 1)])
  expect(groups.map(({ host }) => host)).toEqual([
    'maps.example.org',
    'other.example.org',
    'maps.example.org',
  ])
})
