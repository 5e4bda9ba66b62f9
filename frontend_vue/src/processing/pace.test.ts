import { expect, test } from 'vitest'

import { createPace } from './pace'

test('an even flow has its own speed, and another one is learnt bit by bit', () => {
  const pace = createPace()
  expect(pace(0, 0)).toBe(0)
  expect(pace(500, 1000)).toBe(500)
  expect(pace(1000, 2000)).toBe(500)
  const slower = pace(1100, 3000)
  expect(slower).toBeGreaterThan(100)
  expect(slower).toBeLessThan(500)
})

test('what was taken back is no speed', () => {
  const pace = createPace()
  pace(0, 0)
  pace(900, 1000)
  expect(pace(100, 2000)).toBe(0)
})
