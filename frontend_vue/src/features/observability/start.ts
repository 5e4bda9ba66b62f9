import { reportErrors } from './errors'
import { markCalls } from './traces'

/**
 * Loaded before the page, where the server records traces or errors are to be reported, and nowhere
 * else: see docs/observability.md. It imports nothing of the page, whose files so are the same
 * without it.
 */
const given = JSON.parse(document.getElementById('app-env')?.textContent ?? '{}')
const { traces, errors } = JSON.parse(given.modules ?? '{}').observability ?? {}

if (traces) markCalls(given.apiRoot)
if (errors) reportErrors(errors)
