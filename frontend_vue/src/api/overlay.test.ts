import { afterEach, expect, test, vi } from 'vitest'

import { api, unwrap } from './client'

const STACK = `Traceback (most recent call last):
  File "views.py", line 7, in get
    return read(path)
           ~~~~^^^^^^
ValueError: <b>not</b> a number:
seven`
const WERKZEUG = `<!doctype html>
<textarea>Traceback (most recent call last):
  ValueError: &lt;b&gt;not</textarea>
</html>

<!--

${STACK}


-->
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
  const headers = { 'Content-Type': 'text/html; charset=utf-8' }
  vi.stubGlobal('fetch', async () => new Response(WERKZEUG, { status: 500, headers }))
  for (let call = 0; call < 2; call++) {
    await expect(unwrap(api.GET('/auth/session/'))).rejects.toMatchObject({ status: 500 })
  }
  expect(seen[0]).toEqual({ message: 'ValueError: <b>not</b> a number:\nseven', stack: STACK })
  expect(document.querySelectorAll('vite-error-overlay')).toHaveLength(1)
  document.querySelector('vite-error-overlay')?.remove()
})
