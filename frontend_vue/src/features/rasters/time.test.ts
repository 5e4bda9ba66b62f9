import { expect, test } from 'vitest'

import { localTime } from './time'

test.each(['2026-03-01T09:30:00Z', '2026-07-01T09:30:15+05:30'])('%s keeps its moment', (time) => {
  expect(new Date(localTime(time)).getTime()).toBe(new Date(time).getTime())
})
