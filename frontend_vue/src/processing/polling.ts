import { ApiError, retryPause } from '@/api/errors'
import { isLive } from '@/live/state'

const INTERVAL = 2000
/** While the window is out of sight; often enough that its title tells when the work is done. */
const HIDDEN_INTERVAL = 15_000
/** While the server tells of changes: in case it misses one. */
const LIVE_INTERVAL = 30_000
/** While the server gives no usable answer. */
const ERROR_INTERVAL = 5000

/**
 * When to ask again, in milliseconds; false for never. A question is never asked while the one
 * before it is unanswered: the query library joins them.
 * @param error of the last question, null when it was answered
 */
export function pollInterval(running: boolean, error: unknown): number | false {
  if (error instanceof ApiError && error.status >= 400 && error.status < 500) {
    // "Not found", "not yours", "signed out" stay; "too many questions" passes.
    return error.status === 429 ? retryPause(error, HIDDEN_INTERVAL) : false
  }
  if (!running && !error) return false
  if (isLive.value && !error) return LIVE_INTERVAL
  if (document.hidden) return retryPause(error, HIDDEN_INTERVAL)
  return error ? retryPause(error, ERROR_INTERVAL) : INTERVAL
}
