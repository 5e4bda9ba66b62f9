import { computed, reactive, shallowReactive } from 'vue'

import { upload } from '@/api/upload'

import type { ProcessingApi, ProcessingRequest } from './types'

export interface Upload {
  id: number
  file: File
  /** "storing": all bytes have left, the answer is not there yet. */
  state: 'waiting' | 'sending' | 'storing' | 'failed'
  /** 0..1 */
  sent: number
  /** Why it failed, as a sentence. */
  error: string
}

/**
 * The uploads of a feature, one after the other. Made once per feature and not by a component, so
 * that an upload goes on while its owner looks at another page.
 */
export function createUploads(api: Pick<ProcessingApi, 'createPath'>) {
  const entries = shallowReactive<Upload[]>([])
  const aborts = new Map<number, AbortController>()
  let last = 0
  let queue: Promise<unknown> = Promise.resolve()

  /**
   * Sends a file when those before it are done.
   * @returns the request that was made of it; null when it failed or was cancelled
   */
  function add(file: File, fields: Record<string, string> = {}) {
    const entry = reactive<Upload>({ id: ++last, file, state: 'waiting', sent: 0, error: '' })
    entries.push(entry)
    aborts.set(entry.id, new AbortController())
    const done = queue.then(() => send(entry, fields))
    queue = done
    return done
  }

  async function send(entry: Upload, fields: Record<string, string>) {
    const signal = aborts.get(entry.id)?.signal
    if (!signal || signal.aborted) return null
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.append(name, value)
    form.append('file', entry.file)
    entry.state = 'sending'
    try {
      const request = await upload(api.createPath, form, {
        signal,
        onProgress: (fraction) => {
          entry.sent = fraction
          entry.state = fraction < 1 ? 'sending' : 'storing'
        },
      })
      dismiss(entry.id)
      return request as ProcessingRequest
    } catch (error) {
      if (signal.aborted) return null
      entry.state = 'failed'
      entry.error = (error as Error).message
      return null
    }
  }

  /** Stops an upload that is on its way, or takes a failed one off the list. */
  function dismiss(id: number) {
    aborts.get(id)?.abort()
    aborts.delete(id)
    const index = entries.findIndex((entry) => entry.id === id)
    if (index >= 0) entries.splice(index, 1)
  }

  const active = computed(() => entries.some((entry) => entry.state !== 'failed'))

  addEventListener('beforeunload', (event) => {
    if (active.value) event.preventDefault()
  })

  return { entries, active, add, dismiss }
}

export type Uploads = ReturnType<typeof createUploads>
