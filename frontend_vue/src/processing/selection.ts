import { computed, ref, watch } from 'vue'

/**
 * Which rows of a list are selected: single ones, a range with shift, all of a page, or everything
 * that the list has.
 * @param page ids of the rows that are shown, in their order
 * @param list what the list shows; another one begins without a selection
 */
export function useSelection(page: () => string[], list: () => unknown) {
  const ids = ref(new Set<string>())
  /** Everything that the list has, also what is on other pages. */
  const everything = ref(false)
  let anchor = ''

  function toggle(id: string, range: boolean) {
    const shown = page()
    const [from, to] = [shown.indexOf(anchor), shown.indexOf(id)]
    const picked =
      range && from >= 0 ? shown.slice(Math.min(from, to), Math.max(from, to) + 1) : [id]
    const next = new Set(everything.value ? shown : ids.value)
    const select = !next.has(id)
    for (const one of picked) {
      if (select) next.add(one)
      else next.delete(one)
    }
    everything.value = false
    ids.value = next
    anchor = id
  }

  function clear() {
    ids.value = new Set()
    everything.value = false
    anchor = ''
  }

  const wholePage = computed(
    () => page().length > 0 && page().every((id) => everything.value || ids.value.has(id)),
  )

  function togglePage() {
    const next = new Set(everything.value ? [] : ids.value)
    for (const id of page()) {
      if (wholePage.value) next.delete(id)
      else next.add(id)
    }
    everything.value = false
    ids.value = next
  }

  watch(() => JSON.stringify(list()), clear)

  return {
    ids,
    everything,
    wholePage,
    has: (id: string) => everything.value || ids.value.has(id),
    toggle,
    togglePage,
    clear,
  }
}
