import type { Attempt, ProcessingApi, ProcessingRequest } from './types'

/** A request for tests. */
export function aRequest(changes: Partial<ProcessingRequest> = {}): ProcessingRequest {
  return {
    id: '7',
    name: 'dunes',
    status: 'processing',
    phase: 'process',
    step: '',
    progress: 40,
    attempt: 1,
    max_attempts: 3,
    error_code: '',
    error_message: '',
    created_at: '2026-01-10T12:00:00Z',
    started_at: '2026-01-10T12:00:01Z',
    finished_at: null,
    input_name: 'dunes.dat',
    input_size: 1000,
    cancel_requested: false,
    queue_position: null,
    run_at: null,
    is_pipeline: false,
    parent: null,
    ...changes,
  }
}

/** An attempt for tests: the first one of `aRequest()`. */
export function anAttempt(changes: Partial<Attempt> = {}): Attempt {
  return {
    number: 1,
    outcome: 'running',
    error_code: '',
    calls: [],
    started_at: '2026-01-10T12:00:01Z',
    finished_at: null,
    ...changes,
  }
}

/** An API for tests, whose calls fail unless they are given. */
export function anApi(calls: Partial<ProcessingApi> = {}): ProcessingApi {
  const missing = () => Promise.reject(new Error('This call was not expected.'))
  return {
    feature: 'things',
    createPath: '/things/create/',
    list: missing,
    status: missing,
    results: missing,
    history: missing,
    cancel: missing,
    retry: missing,
    remove: missing,
    ...calls,
  }
}
