import { useQueryClient } from '@tanstack/vue-query'
import { reactive } from 'vue'

import { actingAsNow } from '@/api/acting'
import { closeToast, toast } from '@/ui/toast'

import { actOnAll, tellRefusals } from './bulk'
import { t } from './locales'
import type { ProcessingApi } from './types'
import { countThings, type Nouns } from './wording'

/** Requests that lists leave out: they are being deleted, or will be when it is too late to undo. */
export const hiddenIds = reactive(new Set<string>())

/**
 * Delete requests, but ask the server for it only when the toast that offers an undo closes: by its
 * time, by its cross, or because the page is left.
 */
export function useDeletion(api: ProcessingApi) {
  const client = useQueryClient()

  return function deleteLater(ids: string[], nouns: Nouns): void {
    let isUndone = false
    const actingFor = actingAsNow()
    const show = () => ids.forEach((id) => hiddenIds.delete(id))

    async function send() {
      removeEventListener('pagehide', leave)
      if (isUndone) return
      try {
        tellRefusals(await actOnAll('delete', { ids }, undefined, actingFor), nouns)
      } catch (error) {
        toast(t('bulk.notDeleted', { reason: (error as Error).message }), { tone: 'bad' })
      }
      // Before they are shown again, so that those that were deleted are not.
      await client.invalidateQueries({ queryKey: [api.feature] }).catch(() => {})
      show()
    }
    function undo() {
      isUndone = true
      show()
    }

    ids.forEach((id) => hiddenIds.add(id))
    const text = t('bulk.deleted', { amount: countThings(ids.length, nouns) })
    const notice = toast(text, { undo, onClose: send })
    const leave = () => void closeToast(notice)
    addEventListener('pagehide', leave)
  }
}
