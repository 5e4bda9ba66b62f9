import { actingAsNow } from '@/api/acting'
import { ApiError } from '@/api/errors'
import { send, sendSigned } from '@/api/upload'

import { chunkKey, uploadPath, type ActingFor } from './chunkKeys'

/** As the API describes it; the same for every kind of request. */
interface State {
  id: string
  /** Who takes the chunks: our server, or the storage itself. */
  mode: 'server' | 'direct'
  chunk_size: number
  chunks: number
  received: number[]
}

/** So many chunks travel at once. A storage elsewhere has room for all; ours is for other people too. */
const AT_ONCE = { server: 1, direct: 3 }

/**
 * Sends what the server does not have of a file yet, in chunks.
 *
 * It knows the upload by the file's name, size and time, also after a reload of the page.
 * @param createPath path of the create, beside which that of the uploads is
 * @param arrived told 0..1 of the bytes that have left, and whether a chunk has just arrived
 * @param actingFor for which account, as a header; by default the present one
 * @returns the upload's id, to be named in a create
 * @throws as `send` does; to call it once more goes on with the chunks that are missing
 */
export async function sendChunks(
  createPath: string,
  file: File,
  signal: AbortSignal,
  arrived: (fraction: number, chunk: boolean) => void,
  actingFor: ActingFor = actingAsNow(),
): Promise<string> {
  const path = uploadPath(createPath)
  const state = await findOrStart(createPath, file, signal, actingFor)
  const whole = state.chunk_size
  const missing = numbers(state).filter((number) => !state.received.includes(number))
  const onTheWay = new Map<number, number>()
  let done = state.received.reduce((sum, number) => sum + chunk(number).size, 0)
  const stop = new AbortController()
  const options = { signal: stop.signal }
  signal.addEventListener('abort', () => stop.abort(), { once: true })

  function chunk(number: number) {
    return file.slice((number - 1) * whole, number * whole)
  }

  function tell(arrivedNow = false) {
    const moving = [...onTheWay.values()].reduce((sum, sent) => sum + sent, 0)
    arrived((done + moving) / file.size, arrivedNow)
  }

  async function sendChunk(number: number) {
    const address = `${path}${state.id}/parts/${number}/`
    const content = chunk(number)
    const onProgress = (sent: number) => {
      onTheWay.set(number, sent)
      tell()
    }
    if (state.mode === 'direct') {
      const { url } = (await send('POST', address, null, options)) as { url: string }
      await sendSigned(url, content, { ...options, onProgress })
    } else {
      const headers = { 'Content-Type': 'application/octet-stream' }
      await send('PUT', address, content, { ...options, headers, onProgress })
    }
    onTheWay.delete(number)
    done += content.size
    tell(true)
  }

  async function sendOneAfterTheOther() {
    for (let next = missing.shift(); next; next = missing.shift()) await sendChunk(next)
  }

  tell()
  try {
    await Promise.all(Array.from({ length: AT_ONCE[state.mode] }, sendOneAfterTheOther))
  } catch (error) {
    stop.abort()
    if (isGone(error)) forget(createPath, file, actingFor)
    throw error
  }
  return state.id
}

/** Throws away what has arrived of a file that shall not be sent to its end. */
export async function discard(createPath: string, file: File, actingFor?: ActingFor) {
  const id = sessionStorage.getItem(chunkKey(createPath, file, actingFor))
  if (!id) return
  forget(createPath, file, actingFor)
  // It is gone already, or expires: nobody waits for this.
  await send('DELETE', `${uploadPath(createPath)}${id}/`).catch(() => {})
}

/** A file of that name that is chosen later is sent from its beginning. */
export function forget(createPath: string, file: File, actingFor?: ActingFor) {
  sessionStorage.removeItem(chunkKey(createPath, file, actingFor))
}

/** The upload of this file that was begun, or a new one. */
async function findOrStart(
  createPath: string,
  file: File,
  signal: AbortSignal,
  actingFor: ActingFor,
): Promise<State> {
  const key = chunkKey(createPath, file, actingFor)
  const path = uploadPath(createPath)
  const id = sessionStorage.getItem(key)
  try {
    if (id) return (await send('GET', `${path}${id}/`, null, { signal })) as State
  } catch (error) {
    if (!isGone(error)) throw error
  }
  const body = JSON.stringify({ filename: file.name, size: file.size })
  const headers = { ...actingFor, 'Content-Type': 'application/json' }
  const state = (await send('POST', path, body, { signal, headers })) as State
  sessionStorage.setItem(key, state.id)
  return state
}

const isGone = (error: unknown) => error instanceof ApiError && error.status === 404
const numbers = ({ chunks }: State) => Array.from({ length: chunks }, (_, index) => index + 1)
