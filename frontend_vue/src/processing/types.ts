/**
 * What the engine promises about every request, whatever the feature. These shapes are written here,
 * not taken from the OpenAPI document, so that the core does not depend on a feature being there;
 * where a feature hands over its typed calls, the compiler compares the two.
 */

/** The fields of a create that are no parameters of its kind. */
export type CommonField = 'file' | 'upload' | 'name' | 'run_at' | 'deadline_at'

export type Status = 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled'

/** A step of a pipeline may also wait for other steps. */
export type StepStatus = Status | 'waiting'

export interface ProcessingRequest {
  id: string
  /** Told where requests of all kinds are asked for. */
  kind?: string
  name: string
  status: Status
  /** "" before it starts, then "validate", "process", "save", "cleanup". */
  phase: string
  /** The feature's own word for what it does just now. */
  step: string
  /** 0..100 */
  progress: number
  /** 1 for the first try. */
  attempt: number
  max_attempts: number
  error_code: string
  /** A sentence or two for people; `backticks` mark what is typed literally. */
  error_message: string
  /** ISO 8601, as all times. */
  created_at: string
  started_at: string | null
  finished_at: string | null
  /** What the user called the first file; "" when there is none. */
  input_name: string
  /** Bytes of all files. */
  input_size: number
  cancel_requested: boolean
  /** How many requests come before this one; told by `status` while it is pending, else null. */
  queue_position: number | null
  /** It waits at least until then; null when it may begin. */
  run_at: string | null
  /** Its work is steps, which are requests of their own. */
  is_pipeline: boolean
  /** The pipeline that this is a step of. */
  parent: string | null
}

/** One try at a call to a service of somebody else. */
export interface OutsideCall {
  method: string
  host: string
  /** HTTP status, or the name of the error. */
  outcome: string
  /** How long the whole call took, pauses included; there when it was answered. */
  seconds?: number
}

/** One try at a request by a worker. */
export interface Attempt {
  number: number
  outcome: 'running' | 'completed' | 'failed' | 'cancelled' | 'lost' | 'released'
  error_code: string
  calls: OutsideCall[]
  started_at: string
  finished_at: string | null
}

export interface RequestPage {
  count: number
  page: number
  page_size: number
  pages: number
  results: ProcessingRequest[]
}

/** Which requests a list has. */
export interface Conditions {
  /** One, or several with commas. */
  status?: string
  /** Beginnings of words of the name. */
  search?: string
  /** What one call of `batch/` has made. */
  batch?: string
  created_after?: string
  created_before?: string
}

export type Ordering = '-created_at' | 'created_at' | 'name' | '-name'

export interface ListQuery extends Conditions {
  page?: number
  page_size?: number
  ordering?: Ordering
}

/** The calls a feature makes, and where it lives. Each throws ApiError. */
export interface ProcessingApi<Result = unknown> {
  /** The feature's name, the kind of its requests, and the first part of its addresses. */
  feature: string
  /** Path of the upload, below the API root; "" where nothing can be created. */
  createPath: string
  /** The job calls services of others: how these answered is worth showing after one attempt. */
  callsServices?: boolean
  /** Submits the sample that comes with the kind: where there is one, an empty list offers it. */
  sample?: () => Promise<ProcessingRequest>
  list(query: ListQuery, signal?: AbortSignal): Promise<RequestPage>
  status(id: string, signal?: AbortSignal): Promise<ProcessingRequest>
  results(id: string, signal?: AbortSignal): Promise<Result>
  /** First to last. */
  history(id: string, signal?: AbortSignal): Promise<Attempt[]>
  cancel(id: string): Promise<ProcessingRequest>
  retry(id: string): Promise<ProcessingRequest>
  remove(id: string): Promise<unknown>
}

/** The words of one feature, where the general ones would be vague. */
export interface Words {
  /** "invoice": what a request is about. A getter where it follows the language of the page. */
  thing: string
  /** Several of them; with an s when left out. */
  things?: string
  /** Steps of the job: { convert: 'Building the overviews' }. */
  steps?: Record<string, string>
  /** What to do about an error, by its code, where its message does not say it already. */
  remedies?: Record<string, string>
  /** Codes of the job's own errors that another try may cure: "Retry" is offered for them. */
  passing?: string[]
}

/** Nothing will change any more, unless somebody asks for it. */
export function isFinal({ status }: Pick<ProcessingRequest, 'status'>): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}
