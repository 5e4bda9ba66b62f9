import { env } from '@/env'
import { language } from '@/i18n/language'

import { actingHeader } from './acting'
import { csrfToken, failure } from './client'
import { errorFrom, unreachable } from './errors'

/**
 * In which nothing leaves and no answer comes, in milliseconds: what the system has taken of a chunk
 * may be on a slow line for that long, and longer only where the connection hangs.
 */
const LONGEST_SILENCE = 180_000

export interface TransferOptions {
  headers?: Record<string, string>
  /** Bytes handed to the network. `fetch` cannot report them; XMLHttpRequest can. */
  onProgress?: (sent: number, total: number) => void
  signal?: AbortSignal
}

/**
 * Sends a body to the API and gives the JSON of the answer.
 * @param path below the API root, as in the OpenAPI document
 * @throws {ApiError} for an answer that is not a success; a DOMException AbortError after `signal`
 */
export async function send(
  method: string,
  path: string,
  body: XMLHttpRequestBodyInit | null = null,
  { headers, ...options }: TransferOptions = {},
): Promise<unknown> {
  const { status, text, retryAfter } = await transfer(
    method,
    env.apiRoot.replace(/\/$/, '') + path,
    body,
    {
      ...options,
      headers: {
        Accept: 'application/json',
        'Accept-Language': language.value,
        'X-CSRFToken': csrfToken(),
        ...actingHeader(),
        ...headers,
      },
    },
  )
  const answer = parse(text)
  if (!succeeded(status) || (!answer && status !== 204)) throw failure(status, answer, retryAfter)
  return answer
}

/** Sends a body to a signed address, which may be of another server; gives nothing but errors. */
export async function sendSigned(url: string, body: Blob, options: TransferOptions) {
  const { status, retryAfter } = await transfer('PUT', url, body, options)
  if (!succeeded(status)) throw errorFrom(status, null, retryAfter)
}

interface Received {
  status: number
  text: string
  retryAfter: string | null
}

function transfer(
  method: string,
  url: string,
  body: XMLHttpRequestBodyInit | null,
  { headers = {}, onProgress, signal }: TransferOptions,
) {
  return new Promise<Received>((resolve, reject) => {
    const xhr = new XMLHttpRequest()
    const abort = () => xhr.abort()
    const cancelled = () => reject(new DOMException('The upload was cancelled.', 'AbortError'))
    xhr.open(method, url)
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value)
    let silence: ReturnType<typeof setTimeout>
    const giveUp = () => {
      reject(unreachable())
      xhr.abort()
    }
    const listen = () => {
      clearTimeout(silence)
      silence = setTimeout(giveUp, LONGEST_SILENCE)
    }
    xhr.upload.addEventListener('progress', (event) => {
      listen()
      if (event.lengthComputable) onProgress?.(event.loaded, event.total)
    })
    xhr.addEventListener('load', () =>
      resolve({
        status: xhr.status,
        text: xhr.responseText,
        retryAfter: xhr.getResponseHeader('Retry-After'),
      }),
    )
    xhr.addEventListener('error', () => reject(unreachable()))
    xhr.addEventListener('abort', cancelled)
    xhr.addEventListener('loadend', () => {
      clearTimeout(silence)
      signal?.removeEventListener('abort', abort)
    })
    signal?.addEventListener('abort', abort)
    // An XMLHttpRequest that was not sent yet reports no abort.
    if (signal?.aborted) return cancelled()
    listen()
    xhr.send(body)
  })
}

function succeeded(status: number) {
  return status >= 200 && status < 300
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
