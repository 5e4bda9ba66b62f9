export interface Destination {
  dsn: string
  environment: string
  release: string
}

/** A page that fails in a loop is understood by then. */
const MOST = 10

/** What tells nothing of a fault in the page: refusals of the API, and calls that were given up. */
const EXPECTED = new Set(['ApiError', 'AbortError'])

/** Reports what nobody has caught, and what Vue has. The reporter is loaded for the first of them. */
export function reportErrors(destination: Destination) {
  const seen = new Set<string>()

  function note(error: unknown) {
    if (!(error instanceof Error) || EXPECTED.has(error.name)) return
    const key = error.stack ?? error.message
    if (seen.has(key) || seen.size >= MOST) return
    seen.add(key)
    import('./report').then(({ report }) => report(error, destination)).catch(() => {})
  }

  addEventListener('error', ({ error }) => note(error))
  addEventListener('unhandledrejection', ({ reason }) => note(reason))
  // Where Vue writes what its handlers have caught.
  // oxlint-disable-next-line no-console
  const { error: write } = console
  // oxlint-disable-next-line no-console
  console.error = (...words: unknown[]) => {
    write(...words)
    note(words[0])
  }
}
