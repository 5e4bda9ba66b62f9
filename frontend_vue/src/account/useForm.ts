import { computed, nextTick, ref, shallowRef, type ShallowRef } from 'vue'

import type { ApiError } from '@/api/errors'

/**
 * What all forms of accounts have in common: one answer at a time, and after a refusal the focus in
 * the first field that has to change.
 *
 * @param form the element; a field shows what is wrong with it when it has the API's name
 * @param send what to do; its `ApiError` is shown
 */
export function useForm(
  form: Readonly<ShallowRef<HTMLFormElement | null>>,
  send: () => Promise<void>,
) {
  const busy = ref(false)
  const error = shallowRef<ApiError>()
  const fields = shallowRef<Record<string, string>>({})
  /** What no field of the form can show. */
  const general = shallowRef('')

  async function submit() {
    if (busy.value) return
    busy.value = true
    clear()
    try {
      await send()
    } catch (caught) {
      await refuse(caught as ApiError)
    } finally {
      busy.value = false
    }
  }

  async function refuse(refusal: ApiError) {
    error.value = refusal
    fields.value = refusal.fields
    const named = Object.entries(refusal.fields)
    const elsewhere = named.find(([name]) => !form.value?.elements.namedItem(name))
    if (!named.length) general.value = refusal.message
    else if (elsewhere) general.value = elsewhere[1]
    await nextTick()
    form.value?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus()
  }

  function clear() {
    error.value = undefined
    fields.value = {}
    general.value = ''
  }

  return { busy, error, fields, general: computed(() => general.value), submit, clear }
}
