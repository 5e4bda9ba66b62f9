import { t } from './locales/first'
import type { components } from './schema'

export type Problem = components['schemas']['Problem']

/** Answers of a proxy whose application server is down or starting. */
const AWAY = new Set([0, 502, 503, 504])

/** The most that a server can make this page wait before it asks again, in milliseconds. */
const LONGEST_PAUSE = 60_000

/** Refusals that pass: signed out, a stale token, too slow, too often. */
const PASSING = new Set([401, 403, 408, 429])

/** A request that did not succeed. `message` is a sentence to show to people. */
export class ApiError extends Error {
  constructor(
    /** HTTP status, or 0 when no answer came. */
    readonly status: number,
    readonly code: string,
    message: string,
    /** Identifies this call in the server's log. */
    readonly traceId = '',
    /** What was wrong with which field of a form. */
    readonly fields: Record<string, string> = {},
    /** Milliseconds after which the server wants to be asked again; 0 when it does not say. */
    readonly retryAfter = 0,
  ) {
    super(message)
    this.name = 'ApiError'
  }

  /** Nothing came back, so nobody knows whether the request arrived. */
  get unanswered(): boolean {
    return this.status === 0
  }

  /** The server is not ready and says when it expects to be. */
  get postponed(): boolean {
    return this.away && this.retryAfter > 0
  }

  /** The same request would be refused again: it, not the server or the moment, is at fault. */
  get settled(): boolean {
    return this.status >= 400 && this.status < 500 && !PASSING.has(this.status)
  }

  /** The server could not be reached; asking again later may work. */
  get away(): boolean {
    return AWAY.has(this.status)
  }
}

export function isAway(error: unknown): boolean {
  return error instanceof ApiError && error.away
}

/** How long to wait before asking again: as the server says, but not less than `least`. */
export function retryPause(error: unknown, least: number): number {
  return Math.max(least, error instanceof ApiError ? error.retryAfter : 0)
}

export function unreachable(): ApiError {
  return new ApiError(0, 'unreachable', t('unreachable'))
}

/**
 * Turns an answer into an error, whoever wrote it: problem+json of the API, or the HTML page of a
 * proxy in between.
 * @param retryAfter the header of that name
 */
export function errorFrom(
  status: number,
  body: unknown,
  retryAfter: string | null = null,
): ApiError {
  const problem = (body && typeof body === 'object' ? body : {}) as Partial<Problem>
  const fields: Record<string, string> = {}
  for (const { field, message } of problem.errors ?? []) fields[field] ??= message
  return new ApiError(
    status,
    problem.code ?? 'unexpected',
    problem.detail || problem.title || withoutProblem(status),
    problem.trace_id,
    fields,
    Math.min(Number(retryAfter) * 1000 || 0, LONGEST_PAUSE),
  )
}

function withoutProblem(status: number): string {
  if (AWAY.has(status)) return t('notReady')
  if (status === 413) return t('tooLarge')
  if (status === 507) return t('full')
  return t('unexpected', { status })
}
