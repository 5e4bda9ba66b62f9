import { expect, test } from 'vitest'

import { createEstimate } from './estimate'

test.each([
  ['too little is done', 9, 60_000],
  ['too little time has passed', 50, 2900],
])('says nothing when %s', (_, progress, elapsed) => {
  expect(createEstimate()(1, progress, elapsed)).toBeNull()
})

test('tells the rest of an even job, also between two steps of the bar', () => {
  const left = createEstimate()
  expect(left(1, 10, 10_000)).toBe(90_000)
  expect(left(1, 20, 20_000)).toBe(80_000)
  expect(left(1, 20, 21_000)).toBe(79_000)
})

test('a single jump of the bar does not turn the guess over', () => {
  const left = createEstimate()
  left(1, 20, 20_000)
  const after = left(1, 40, 22_000)!
  expect(after).toBeGreaterThan(33_000) // what the jump alone would say
  expect(after).toBeLessThan(78_000) // what was said before
})

test('follows when the pace really is another', () => {
  const left = createEstimate()
  // Half of it in 10 s, then every percent takes 2 s: 20 s are left at 90 %.
  let guess: number | null = null
  for (let percent = 10; percent <= 90; percent++) {
    guess = left(1, percent, percent <= 50 ? percent * 200 : 10_000 + (percent - 50) * 2000)
  }
  expect(guess).toBeGreaterThan(5000)
  expect(guess).toBeLessThan(30_000)
})

test('falls silent when the bar stands still, or the time it told is over', () => {
  const left = createEstimate()
  left(1, 20, 20_000)
  expect(left(1, 20, 30_000)).toBe(70_000)
  expect(left(1, 20, 41_000)).toBeNull()
  expect(left(1, 90, 70_000)).not.toBeNull()
  expect(left(1, 90, 100_000)).toBeNull()
})

test('a new attempt is a new guess', () => {
  const left = createEstimate()
  left(1, 50, 100_000)
  expect(left(2, 5, 1000)).toBeNull()
  expect(left(2, 50, 10_000)).toBe(10_000)
})
