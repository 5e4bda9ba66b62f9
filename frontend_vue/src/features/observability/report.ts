import {
  BrowserClient,
  defaultStackParser,
  type ErrorEvent,
  makeFetchTransport,
  Scope,
} from '@sentry/browser'

import type { Destination } from './errors'
import { scrub, withoutQuery } from './scrub'
import { last } from './traces'

let client: BrowserClient | undefined

/** Sends an error with its stack, the trace of the last call and the path of the page. */
export function report(error: Error, { dsn, environment, release }: Destination) {
  client ??= new BrowserClient({
    dsn,
    environment,
    release: release || undefined,
    integrations: [], // none watches clicks, addresses, consoles or sessions
    transport: makeFetchTransport,
    transportOptions: { fetchOptions: { credentials: 'omit', referrerPolicy: 'no-referrer' } },
    stackParser: defaultStackParser,
    sendClientReports: false,
    beforeSend,
  })
  client.captureException(error, undefined, new Scope())
}

function beforeSend(event: ErrorEvent): ErrorEvent {
  for (const exception of event.exception?.values ?? []) {
    exception.value = scrub(exception.value ?? '')
    for (const frame of exception.stacktrace?.frames ?? []) {
      frame.filename = withoutQuery(frame.filename ?? '')
      delete frame.vars
    }
  }
  const { trace, span } = last
  return {
    ...event,
    user: undefined,
    breadcrumbs: undefined,
    extra: undefined,
    message: event.message && scrub(event.message),
    request: { url: withoutQuery(location.href) },
    tags: trace ? { trace_id: trace } : {},
    contexts: trace ? { trace: { trace_id: trace, span_id: span } } : {},
  }
}
