import { expect, test } from 'vitest'

import { closeToasts, toast, toasts } from './toast'

test('three are shown at once, besides what can be undone', async () => {
  toast('deleted', { undo: () => {} })
  for (const text of ['a', 'b', 'c', 'd', 'e']) toast(text, { tone: 'bad' })
  expect(toasts.map(({ text }) => text)).toEqual(['deleted', 'c', 'd', 'e'])
  await closeToasts()
})
