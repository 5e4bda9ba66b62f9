import { computed, reactive, ref, shallowReactive } from 'vue'

import { actingAsNow } from '@/api/acting'
import { ApiError, retryPause, unreachable } from '@/api/errors'
import { send, type TransferOptions } from '@/api/upload'

import { chunkKey, chunkKeyPrefix, nameOfKey } from './chunkKeys'
import { t } from './locales'
import type { ProcessingApi, ProcessingRequest } from './types'

export interface Upload {
  id: number
  file: File
  /** The other fields of the form. */
  fields: Record<string, string>
  /** For whom it was chosen, as a header: it does not follow whoever acts for another account. */
  actingFor: Record<string, string>
  /**
   * The same each time this file is sent: when the connection was lost after the server had taken
   * it, the server answers with the request it made then.
   */
  key: string
  /** "storing": all bytes have left, the answer is not there yet; "pausing": before another try. */
  state: 'waiting' | 'sending' | 'storing' | 'pausing' | 'failed'
  /** 0..1 */
  sent: number
  /** How often it was not taken since it was asked for, or since a chunk has arrived. */
  losses: number
  /** Whether the server answered the last time, that it is not ready. */
  postponed: boolean
  /** Id of the upload, when all of its chunks have arrived. */
  uploadId: string
  /** Why it failed, as a sentence. */
  error: string
  /** Whether sending the same once more may end better. */
  again: boolean
}

/** Before each further try, in milliseconds; the last one again and again. */
const PAUSES = [1000, 4000, 15_000, 30_000]
/** Bytes. A larger file goes in chunks, each of which may be sent again alone. */
export const IN_CHUNKS = 16 * 1024 ** 2

export const inChunks = ({ file }: Upload) => file.size > IN_CHUNKS

/**
 * The uploads of a feature, one after the other. Made once per feature and not by a component, so
 * that an upload goes on while its owner looks at another page.
 */
export function createUploads(api: Pick<ProcessingApi, 'createPath'>) {
  const entries = shallowReactive<Upload[]>([])
  const aborts = new Map<number, AbortController>()
  /** Of those that have arrived since there was nothing to send. */
  const arrived = reactive({ files: 0, bytes: 0 })
  const paused = ref(false)
  let goOn = () => {}
  let resumed = Promise.resolve()
  const active = computed(() => entries.some((entry) => entry.state !== 'failed'))
  let last = 0
  let reconnections = 0
  let queue: Promise<unknown> = Promise.resolve()

  /**
   * Sends a file when those before it are done.
   * @returns the request that was made of it; null when it failed or was cancelled
   */
  function add(file: File, fields: Record<string, string> = {}) {
    return enqueue(list(file, { fields: { ...fields } }))
  }

  /** Lists a file that is not to be sent, with the reason. */
  function refuse(file: File, error: string) {
    list(file, { state: 'failed', error })
  }

  function list(file: File, what: Partial<Upload>) {
    if (!active.value) Object.assign(arrived, { files: 0, bytes: 0 })
    const entry = reactive<Upload>({
      id: ++last,
      file,
      fields: {},
      actingFor: actingAsNow(),
      key: randomKey(),
      state: 'waiting',
      sent: 0,
      losses: 0,
      postponed: false,
      uploadId: '',
      error: '',
      again: false,
      ...what,
    })
    entries.push(entry)
    aborts.set(entry.id, new AbortController())
    return entry
  }

  /** Sends nothing more until `resume`; what has arrived of a file in chunks stays. */
  function pause() {
    if (paused.value) return
    paused.value = true
    resumed = new Promise((resolve) => (goOn = resolve))
    for (const entry of entries) {
      if (entry.state === 'waiting' || entry.state === 'failed') continue
      const before = aborts.get(entry.id)
      aborts.set(entry.id, new AbortController())
      before?.abort()
    }
  }

  function resume() {
    paused.value = false
    goOn()
  }

  /** Sends one that failed once more, as it was; gives what `add` does. */
  function retry(entry: Upload) {
    if (entry.state !== 'failed') return Promise.resolve(null)
    Object.assign(entry, { state: 'waiting', sent: 0, losses: 0, error: '' })
    return enqueue(entry)
  }

  function enqueue(entry: Upload) {
    const done = queue.then(() => deliver(entry))
    queue = done
    return done
  }

  async function deliver(entry: Upload): Promise<ProcessingRequest | null> {
    for (;;) {
      if (paused.value) {
        entry.state = 'waiting'
        await resumed
      }
      const signal = aborts.get(entry.id)?.signal
      if (!signal) return null
      const before = reconnections
      try {
        const request = await sendOnce(entry, signal)
        arrived.files += 1
        arrived.bytes += entry.file.size
        remove(entry)
        return request
      } catch (error) {
        if (signal.aborted) {
          entry.losses = 0
          continue // it is gone from the list, or sent again when the queue goes on
        }
        const wait = PAUSES[Math.min(entry.losses, PAUSES.length - 1)]!
        // To send it once more is safe: its key, or its chunks, say that it is the same.
        const lost = error instanceof ApiError && error.away
        const readable = !lost || (await isReadable(entry.file))
        if (lost && readable) {
          entry.losses += 1
          entry.postponed = error.postponed
          entry.state = 'pausing'
          if (!inChunks(entry)) entry.sent = 0
          // The network that came back while it was tried may be why it was lost.
          if (before === reconnections) await sleep(retryPause(error, wait), signal)
          continue
        }
        entry.state = 'failed'
        entry.again = readable && !(error instanceof ApiError && error.settled)
        entry.error = readable ? (error as Error).message : t('upload.changed')
        return null
      }
    }
  }

  async function sendOnce(entry: Upload, signal: AbortSignal) {
    const { file, key, actingFor } = entry
    const form = new FormData()
    for (const [name, value] of Object.entries(entry.fields)) form.append(name, value)
    entry.state = 'sending'
    const options: TransferOptions = { signal, headers: { ...actingFor, 'Idempotency-Key': key } }
    if (inChunks(entry)) {
      const { sendChunks, forget } = await loadChunks()
      const note = (fraction: number, isThere: boolean) => {
        entry.sent = fraction
        if (isThere) entry.losses = 0
      }
      entry.uploadId ||= await sendChunks(api.createPath, file, signal, note, actingFor)
      entry.state = 'storing'
      form.append('upload', entry.uploadId)
      const request = await send('POST', api.createPath, form, options)
      forget(api.createPath, file, actingFor)
      return request as ProcessingRequest
    }
    entry.sent = 0
    form.append('file', file)
    options.onProgress = (sent, total) => {
      entry.sent = sent / total
      entry.state = sent < total ? 'sending' : 'storing'
    }
    return (await send('POST', api.createPath, form, options)) as ProcessingRequest
  }

  /** Stops an upload that is on its way, or takes a failed one off the list. */
  function dismiss(entry: Upload) {
    remove(entry)
    const keyOf = ({ file, actingFor }: Upload) => chunkKey(api.createPath, file, actingFor)
    // The same file, when it was dropped twice, goes on in the same upload.
    const goesOn = entries.some((other) => keyOf(other) === keyOf(entry))
    if (inChunks(entry) && !goesOn)
      void loadChunks().then(({ discard }) => discard(api.createPath, entry.file, entry.actingFor))
  }

  function remove({ id }: Upload) {
    aborts.get(id)?.abort()
    aborts.delete(id)
    const index = entries.findIndex((entry) => entry.id === id)
    if (index >= 0) entries.splice(index, 1)
  }

  /** Cancels all that are on their way or wait for it. */
  function cancelAll() {
    for (const entry of entries.filter(({ state }) => state !== 'failed')) dismiss(entry)
    resume()
  }

  /** Names of files that were on their way in chunks when the page was left. */
  function interrupted(): string[] {
    const names = Object.keys(sessionStorage).flatMap((key) =>
      key.startsWith(chunkKeyPrefix(api.createPath)) ? [nameOfKey(key)] : [],
    )
    return names.filter((name) => !entries.some(({ file }) => file.name === name))
  }

  addEventListener('online', () => (reconnections += 1))
  addEventListener('beforeunload', (event) => {
    if (active.value) event.preventDefault()
  })

  return {
    entries,
    active,
    arrived,
    paused,
    add,
    refuse,
    retry,
    dismiss,
    pause,
    resume,
    cancelAll,
    interrupted,
  }
}

export type Uploads = ReturnType<typeof createUploads>

/** Few files are that large, and the first page is better without. */
function loadChunks() {
  return import('./chunks').catch(() => {
    throw unreachable()
  })
}

/** 128 random bits. `crypto.randomUUID` is missing on pages without TLS, as in an office network. */
export function randomKey(): string {
  const numbers = crypto.getRandomValues(new Uint8Array(16))
  return [...numbers].map((number) => number.toString(16).padStart(2, '0')).join('')
}

/** A browser reports a file that changed while it was sent like a lost connection. */
async function isReadable(file: File): Promise<boolean> {
  try {
    await file.slice(0, 1).arrayBuffer()
    return true
  } catch {
    return false
  }
}

/** Ends early when the network is back, or when nobody waits any more. */
function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      removeEventListener('online', end)
      resolve()
    }
    const timer = setTimeout(end, milliseconds)
    addEventListener('online', end)
    signal.addEventListener('abort', end, { once: true })
  })
}
