import { t } from './locales'
import type { Attempt, OutsideCall, ProcessingRequest } from './types'

/** Why a request runs anew although nobody asked for that; "" when it does not. */
export function restartReason(request: ProcessingRequest, attempts: Attempt[]): string {
  if (!request.started_at) return ''
  // Asking for a retry begins a new count, and takes `started_at` away until a worker has it.
  const began = Date.parse(request.started_at)
  const over = attempts.filter(
    ({ started_at, outcome }) => Date.parse(started_at) >= began && outcome !== 'running',
  )
  const outcome = over.at(-1)?.outcome
  if (outcome === 'released') return t('restarted')
  if (outcome !== 'lost') return ''
  // Work that was given back does not count as a try.
  const before = over.filter((attempt) => attempt.outcome !== 'released').length
  const current = request.status === 'pending' ? 0 : 1
  const tries = before + current + request.max_attempts - request.attempt
  return t('lost', { next: before + 1, all: tries })
}

export interface CallGroup {
  method: string
  host: string
  /** In their order, the same ones in a row together: "503 × 2", "200". */
  answers: string[]
  /** "3 tries", "2 calls, 3 tries"; "" for a single one. */
  tries: string
  /** Of all that were answered; null when none was. */
  seconds: number | null
}

/** Tries of calls, those to the same service in a row together. */
export function groupCalls(calls: OutsideCall[]): CallGroup[] {
  const runs = inRuns(calls, ({ method, host }) => `${method} ${host}`)
  return runs.map((run) => {
    const { method, host } = run[0]!
    const answers = inRuns(
      run.map(({ outcome }) => answer(outcome)),
      (text) => text,
    )
    const timed = run.flatMap(({ seconds }) => seconds ?? [])
    return {
      method,
      host,
      answers: answers.map((same) => (same.length > 1 ? `${same[0]} × ${same.length}` : same[0]!)),
      tries: countTries(run),
      seconds: timed.length ? timed.reduce((sum, seconds) => sum + seconds, 0) : null,
    }
  })
}

function inRuns<Item>(items: Item[], key: (item: Item) => string): Item[][] {
  const runs: Item[][] = []
  for (const item of items) {
    const last = runs.at(-1)
    if (last && key(last[0]!) === key(item)) last.push(item)
    else runs.push([item])
  }
  return runs
}

function countTries(run: OutsideCall[]): string {
  // A call ends with the try that was answered; the last one may never be.
  const ended = run.filter(({ seconds }) => seconds !== undefined).length
  const calls = ended + (run.at(-1)!.seconds === undefined ? 1 : 0)
  const counts = []
  if (calls > 1) counts.push(t('calls', { n: calls }))
  if (run.length > calls) counts.push(t('tries', { n: run.length }))
  return counts.join(', ')
}

const ERRORS = [
  [/Timeout/, 'answer.timeout'],
  [/NewConnection|NameResolution/, 'answer.noConnection'],
  [/SSL/, 'answer.notSecure'],
  [/Protocol|IncompleteRead/, 'answer.brokeOff'],
] as const

function answer(outcome: string): string {
  const error = ERRORS.find(([pattern]) => pattern.test(outcome))
  return error ? t(error[1]) : outcome
}
