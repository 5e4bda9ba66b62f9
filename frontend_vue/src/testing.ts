// Loaded before each test file (vite.config.ts). The files of one process share its modules and its
// document, which makes them three times as fast: so each test takes away what it left there.
import { disableAutoUnmount, enableAutoUnmount } from '@vue/test-utils'
import { afterEach, vi } from 'vitest'

import { toasts } from '@/ui/toast'

// They are taken back before each test, but not before the next file is read, which may keep one.
vi.unstubAllGlobals()
disableAutoUnmount() // enabled by the file before, whose hook is gone
enableAutoUnmount(afterEach)
afterEach(() => {
  toasts.splice(0)
  localStorage.clear()
  sessionStorage.clear()
})
