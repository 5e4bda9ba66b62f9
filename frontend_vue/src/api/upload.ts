import { env } from '@/env'

import { csrfToken, failure } from './client'
import { unreachable } from './errors'

export interface UploadOptions {
  /** 0..1 of the bytes handed to the network. */
  onProgress?: (fraction: number) => void
  signal?: AbortSignal
  /** Of one key the server makes one request, however often it arrives. */
  key?: string
}

/**
 * Sends a multipart form. `fetch` cannot report how much of a body has left; XMLHttpRequest can.
 * @param path below the API root, as in the OpenAPI document
 * @throws {ApiError} for an answer that is not a success; a DOMException AbortError after `signal`
 */
export function upload(path: string, form: FormData, options: UploadOptions = {}) {
  return new Promise<unknown>((resolve, reject) => {
    const { onProgress, signal, key } = options
    const xhr = new XMLHttpRequest()
    const abort = () => xhr.abort()
    const cancelled = () => reject(new DOMException('The upload was cancelled.', 'AbortError'))
    xhr.open('POST', env.apiRoot.replace(/\/$/, '') + path)
    xhr.setRequestHeader('Accept', 'application/json')
    xhr.setRequestHeader('X-CSRFToken', csrfToken())
    if (key) xhr.setRequestHeader('Idempotency-Key', key)
    xhr.upload.addEventListener('progress', (event) => {
      if (event.lengthComputable) onProgress?.(event.loaded / event.total)
    })
    xhr.addEventListener('load', () => {
      const body = parse(xhr.responseText)
      if (xhr.status >= 200 && xhr.status < 300 && body) resolve(body)
      else reject(failure(xhr.status, body))
    })
    xhr.addEventListener('error', () => reject(unreachable()))
    xhr.addEventListener('abort', cancelled)
    xhr.addEventListener('loadend', () => signal?.removeEventListener('abort', abort))
    signal?.addEventListener('abort', abort)
    // An XMLHttpRequest that was not sent yet reports no abort.
    if (signal?.aborted) cancelled()
    else xhr.send(form)
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
