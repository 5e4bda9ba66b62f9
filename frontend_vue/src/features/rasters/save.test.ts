import { expect, test, vi } from 'vitest'

import { saveFile } from './save'

test('a browser that asks where to keep a file still has it then', () => {
  vi.useFakeTimers()
  vi.spyOn(HTMLAnchorElement.prototype, 'click').mockReturnValue()
  const revoke = vi.spyOn(URL, 'revokeObjectURL')
  saveFile(new Blob(['a']), 'a.csv')
  vi.advanceTimersByTime(40_000)
  expect(revoke).not.toHaveBeenCalled()
  vi.advanceTimersByTime(40_000)
  expect(revoke).toHaveBeenCalledOnce()
  vi.useRealTimers()
})
