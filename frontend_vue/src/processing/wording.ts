import { dateTime, duration } from '@/composables/format'

import { t } from './locales'
import { isFinal, type ProcessingRequest, type Status, type StepStatus, type Words } from './types'

interface Timed {
  started_at: string | null
  finished_at: string | null
}

export const STATUSES = [
  'pending',
  'processing',
  'completed',
  'failed',
  'cancelled',
] as const satisfies Status[]

/** In the order in which they matter to who looks at a pipeline. */
export const STEP_STATUSES = [
  'failed',
  'processing',
  'pending',
  'completed',
  'cancelled',
  'waiting',
] as const satisfies StepStatus[]

export const statusLabel = (status: StepStatus) => t(`status.${status}`)

/** The engine's phases in their order. */
export const PHASES = ['validate', 'process', 'save', 'cleanup'] as const

/** Several things: "your invoices". */
export const thingsOf = ({ thing, things }: Nouns) => things ?? `${thing}s`

/** "1 invoice", "3 invoices". */
export const countThings = (n: number, nouns: Nouns) =>
  t('counted', { n, thing: nouns.thing, things: thingsOf(nouns) })

export type Nouns = Pick<Words, 'thing' | 'things'>

/** What is going on, in a few words. A step that is not known is shown as it is called. */
export function activity(request: ProcessingRequest, steps: Words['steps'] = {}): string {
  if (request.cancel_requested && !isFinal(request)) return t('activity.stopping')
  if (request.status === 'pending') {
    if (!request.run_at) return t('activity.waiting')
    const time = dateTime(request.run_at)
    return request.error_message
      ? t('activity.again', { time, reason: request.error_message })
      : t('activity.later', { time })
  }
  if (request.status !== 'processing') return statusLabel(request.status)
  if (request.is_pipeline && request.phase) return t('activity.steps')
  if (request.step) return steps[request.step] ?? sentence(request.step)
  const phase = PHASES.find((name) => name === request.phase)
  return phase ? t(`doing.${phase}`) : t('activity.starting')
}

function sentence(name: string): string {
  const words = name.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

const REMEDIES = [
  'out_of_memory',
  'deadline_passed',
  'step_failed',
  'parameters_outdated',
  'time_limit',
  'crashed',
  'disk_full',
  'storage_unavailable',
  'service_unavailable',
  'worker_lost',
  'internal_error',
] as const

/** Its place among those that wait; "" when nobody said so. */
export function queuePlace({ status, queue_position }: ProcessingRequest): string {
  if (status !== 'pending' || queue_position === null) return ''
  if (queue_position === 0) return t('place.next')
  return t('place.before', { n: queue_position })
}

/** Milliseconds -> "about 2 minutes left", no finer than a guess can be. */
export function timeLeft(milliseconds: number): string {
  const seconds = milliseconds / 1000
  if (seconds < 10) return t('left.soon')
  if (seconds < 55) return t('left.seconds', { n: Math.round(seconds / 10) * 10 })
  const minutes = Math.round(seconds / 60)
  if (minutes < 2) return t('left.minute')
  if (minutes <= 10) return t('left.minutes', { n: minutes })
  if (minutes < 55) return t('left.minutes', { n: Math.round(minutes / 5) * 5 })
  const hours = Math.round(minutes / 60)
  return hours < 2 ? t('left.hour') : t('left.hours', { n: hours })
}

/** What a person can do about a failure whose own message does not say it; else "". */
export function remedy(code: string, own: Words['remedies'] = {}): string {
  const known = REMEDIES.find((name) => name === code)
  return own[code] ?? (known ? t(`remedy.${known}`) : '')
}

const NOT_OF_THE_FILE = new Set([
  'crashed',
  'daily_work_limit',
  'disk_full',
  'internal_error',
  'out_of_memory',
  'service_unavailable',
  'storage_unavailable',
  'time_limit',
  'worker_lost',
])

/** Whether the same file may well pass the next time. */
export function worthRetrying(code: string, own: Words['passing'] = []): boolean {
  return NOT_OF_THE_FILE.has(code) || own.includes(code)
}

/** How long something has run, or ran; "" before it starts. */
export function elapsed(request: Timed, now: number): string {
  if (!request.started_at) return ''
  const end = request.finished_at ? Date.parse(request.finished_at) : now
  return duration(end - Date.parse(request.started_at))
}
