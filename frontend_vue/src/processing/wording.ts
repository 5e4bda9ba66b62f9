import { dateTime, duration } from '@/composables/format'

import { isFinal, type ProcessingRequest, type Status, type StepStatus, type Words } from './types'

interface Timed {
  started_at: string | null
  finished_at: string | null
}

export const STATUS_LABELS: Record<Status, string> = {
  pending: 'Waiting',
  processing: 'Processing',
  completed: 'Completed',
  failed: 'Failed',
  cancelled: 'Cancelled',
}

/** In the order in which they matter to who looks at a pipeline. */
export const STEP_LABELS: Record<StepStatus, string> = {
  failed: STATUS_LABELS.failed,
  processing: STATUS_LABELS.processing,
  pending: STATUS_LABELS.pending,
  completed: STATUS_LABELS.completed,
  cancelled: STATUS_LABELS.cancelled,
  waiting: 'Not started',
}

/** The engine's phases in their order, for the list of steps. */
export const PHASES = [
  { name: 'validate', label: 'Check' },
  { name: 'process', label: 'Process' },
  { name: 'save', label: 'Save' },
  { name: 'cleanup', label: 'Tidy up' },
] as const

const PHASE_SENTENCES: Record<string, string> = {
  validate: 'Checking the file',
  process: 'Processing',
  save: 'Saving the result',
  cleanup: 'Tidying up',
}

/** What is going on, in a few words. A step that is not known is shown as it is called. */
export function activity(request: ProcessingRequest, steps: Words['steps'] = {}): string {
  if (request.cancel_requested && !isFinal(request)) return 'Stopping'
  if (request.status === 'pending') {
    if (!request.run_at) return 'Waiting for a free worker'
    const begins = `begins ${dateTime(request.run_at)}`
    return request.error_message
      ? `Tries again by itself, ${begins}: ${request.error_message}`
      : `Waiting, ${begins}`
  }
  if (request.status !== 'processing') return STATUS_LABELS[request.status]
  if (request.is_pipeline && request.phase) return 'Running its steps'
  if (request.step) return steps[request.step] ?? sentence(request.step)
  return PHASE_SENTENCES[request.phase] ?? 'Starting'
}

function sentence(name: string): string {
  const words = name.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

const REMEDIES: Record<string, string> = {
  out_of_memory: 'Upload a smaller file, or ask for a worker with more memory.',
  deadline_passed: 'Submit it again, with a later deadline or none.',
  step_failed: 'Retry continues from the failed step. Completed steps are kept.',
  parameters_outdated: 'Submit it again; this site was upgraded meanwhile.',
  time_limit: 'Upload a smaller file, or split it into parts.',
  crashed: 'Try it once more. If it fails again, the file is probably damaged: save a fresh copy.',
  disk_full: 'If it stays so, tell the people who run this site; they can make room.',
  storage_unavailable: 'Try it once more in a few minutes; your file is still here.',
  service_unavailable:
    'Try it once more in a few minutes. How the service answered is in the history below.',
  worker_lost: 'Try it once more; the fault was on our side, not in your file.',
  internal_error: 'Try again. If it keeps happening, contact support with the reference below.',
}

/** Its place among those that wait; "" when nobody said so. */
export function queuePlace({ status, queue_position }: ProcessingRequest): string {
  if (status !== 'pending' || queue_position === null) return ''
  if (queue_position === 0) return 'Next in line'
  return `${queue_position} ${queue_position === 1 ? 'request' : 'requests'} before yours`
}

/** Milliseconds -> "about 2 minutes left", no finer than a guess can be. */
export function timeLeft(milliseconds: number): string {
  const seconds = milliseconds / 1000
  if (seconds < 10) return 'a few seconds left'
  if (seconds < 55) return `about ${Math.round(seconds / 10) * 10} seconds left`
  const minutes = Math.round(seconds / 60)
  if (minutes < 2) return 'about a minute left'
  if (minutes <= 10) return `about ${minutes} minutes left`
  if (minutes < 55) return `about ${Math.round(minutes / 5) * 5} minutes left`
  const hours = Math.round(minutes / 60)
  return hours < 2 ? 'about an hour left' : `about ${hours} hours left`
}

/** What a person can do about a failure whose own message does not say it; else "". */
export function remedy(code: string, own: Words['remedies'] = {}): string {
  return own[code] ?? REMEDIES[code] ?? ''
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
