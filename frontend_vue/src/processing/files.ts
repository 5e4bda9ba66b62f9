import { onScopeDispose, ref } from 'vue'

import { forget, sendChunks } from './chunks'

/** The files of a form that creates a request. Called in a setup; leaving the page stops it. */
export function useFiles(createPath: string) {
  const chosen = ref<File[]>([])
  /** 0..1 of all their bytes; 0 while none are on their way. */
  const sent = ref(0)
  const leaving = new AbortController()
  onScopeDispose(() => leaving.abort())

  /**
   * Uploads what was chosen, then creates a request with it. Doing it again after a failure sends
   * only what has not arrived.
   */
  async function send<Created>(create: (uploads: string[]) => Promise<Created>): Promise<Created> {
    const files = [...chosen.value]
    const total = files.reduce((sum, file) => sum + file.size, 0)
    const uploads: string[] = []
    let before = 0
    try {
      for (const file of files) {
        const upload = await sendChunks(createPath, file, leaving.signal, (fraction) => {
          sent.value = (before + fraction * file.size) / total
        })
        before += file.size
        uploads.push(upload)
      }
      const created = await create(uploads)
      for (const file of files) forget(createPath, file)
      return created
    } finally {
      sent.value = 0
    }
  }

  return { chosen, sent, send }
}
