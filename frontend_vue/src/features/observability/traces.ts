/** W3C Trace Context: the trace of the last call. */
export const last = { trace: '', span: '' }

/** Lets each call of the API begin a trace, whoever sends it. Other servers are told nothing. */
export function markCalls(apiRoot: string) {
  const root = new URL(apiRoot, location.href)
  const isCall = (url: string | URL) => {
    const { origin, pathname } = new URL(url, location.href)
    return (
      origin === location.origin && origin === root.origin && pathname.startsWith(root.pathname)
    )
  }

  const { fetch: send } = globalThis
  globalThis.fetch = (input, init) => {
    const request = input instanceof Request ? input : undefined
    if (!isCall(request?.url ?? (input as string))) return send(input, init)
    const headers = new Headers(init?.headers ?? request?.headers)
    headers.set('traceparent', traceparent())
    return send(input, { ...init, headers })
  }

  const { open } = XMLHttpRequest.prototype
  XMLHttpRequest.prototype.open = function (
    this: XMLHttpRequest,
    method: string,
    url: string | URL,
    ...others: unknown[]
  ) {
    Reflect.apply(open, this, [method, url, ...(others.length ? others : [true])])
    if (isCall(url)) this.setRequestHeader('traceparent', traceparent())
  }
}

/** A new trace. Whether it is recorded is the server's choice. */
function traceparent() {
  Object.assign(last, { trace: random(16), span: random(8) })
  return `00-${last.trace}-${last.span}-01`
}

function random(bytes: number) {
  const values = crypto.getRandomValues(new Uint8Array(bytes))
  return [...values].map((value) => value.toString(16).padStart(2, '0')).join('')
}
