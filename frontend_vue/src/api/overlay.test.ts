import { afterEach, expect, test, vi } from 'vitest'

import { api, unwrap } from './client'

const DJANGO = `Environment:

Request Method: GET

Traceback (most recent call last):
  File "views.py", line 7, in get
    return 1 / 0

Exception Type: ZeroDivisionError at /api/v1/auth/session/
Exception Value: division by zero
Raised during: views.SessionView
`

afterEach(() => vi.unstubAllGlobals())

test('shows an error of Python where Vite shows those of the page', async () => {
  const seen: unknown[] = []
  class Overlay extends HTMLElement {
    constructor(error: unknown) {
      super()
      seen.push(error)
    }
  }
  customElements.define('vite-error-overlay', Overlay)
  const headers = { 'Content-Type': 'text/plain; charset=utf-8' }
  vi.stubGlobal('fetch', async () => new Response(DJANGO, { status: 500, headers }))
  for (let call = 0; call < 2; call++) {
    await expect(unwrap(api.GET('/auth/session/'))).rejects.toMatchObject({ status: 500 })
  }
  expect(seen[0]).toEqual({
    message: 'ZeroDivisionError at /api/v1/auth/session/: division by zero',
    stack:
      'Traceback (most recent call last):\n  File "views.py", line 7, in get\n    return 1 / 0',
  })
  expect(document.querySelectorAll('vite-error-overlay')).toHaveLength(1)
  document.querySelector('vite-error-overlay')?.remove()
})
