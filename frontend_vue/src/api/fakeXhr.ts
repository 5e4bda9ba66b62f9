/** Stands in for XMLHttpRequest in tests: nothing happens until the test says so. */
export class FakeXhr extends EventTarget {
  static all: FakeXhr[] = []

  upload = new EventTarget()
  status = 0
  responseText = ''
  method = ''
  url = ''
  headers: Record<string, string> = {}
  body: unknown = null
  retryAfter: string | null = null
  aborted = false
  done = false

  constructor() {
    super()
    FakeXhr.all.push(this)
  }

  static get last(): FakeXhr {
    return FakeXhr.all.at(-1)!
  }

  get form() {
    return this.body as FormData
  }

  open(method: string, url: string) {
    this.method = method
    this.url = url
  }

  setRequestHeader(name: string, value: string) {
    this.headers[name] = value
  }

  getResponseHeader(name: string) {
    return name === 'Retry-After' ? this.retryAfter : null
  }

  send(body: unknown) {
    this.body = body
  }

  abort() {
    this.aborted = true
    this.finish('abort')
  }

  progress(loaded: number, total: number) {
    this.upload.dispatchEvent(
      Object.assign(new Event('progress'), { lengthComputable: true, loaded, total }),
    )
  }

  respond(status: number, body: unknown, retryAfter: string | null = null) {
    this.status = status
    this.retryAfter = retryAfter
    this.responseText = typeof body === 'string' ? body : JSON.stringify(body)
    this.finish('load')
  }

  fail() {
    this.finish('error')
  }

  private finish(event: 'load' | 'abort' | 'error') {
    this.done = true
    this.dispatchEvent(new Event(event))
    this.dispatchEvent(new Event('loadend'))
  }
}
