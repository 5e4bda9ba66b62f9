/** Stands in for XMLHttpRequest in tests: nothing happens until the test says so. */
export class FakeXhr extends EventTarget {
  static all: FakeXhr[] = []

  upload = new EventTarget()
  status = 0
  responseText = ''
  url = ''
  headers: Record<string, string> = {}
  form: FormData | null = null
  aborted = false

  constructor() {
    super()
    FakeXhr.all.push(this)
  }

  static get last(): FakeXhr {
    return FakeXhr.all.at(-1)!
  }

  open(_method: string, url: string) {
    this.url = url
  }

  setRequestHeader(name: string, value: string) {
    this.headers[name] = value
  }

  send(form: FormData) {
    this.form = form
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

  respond(status: number, body: unknown) {
    this.status = status
    this.responseText = typeof body === 'string' ? body : JSON.stringify(body)
    this.finish('load')
  }

  fail() {
    this.finish('error')
  }

  private finish(event: 'load' | 'abort' | 'error') {
    this.dispatchEvent(new Event(event))
    this.dispatchEvent(new Event('loadend'))
  }
}
