import { nextTick, onBeforeUnmount, onMounted, ref, watch } from 'vue'

import { toasts, undoToast } from '@/ui/toast'

/** The keys, as the sheet that explains them has them. */
export const SHORTCUTS = [
  { keys: ['j', '↓'], action: 'keys.next' },
  { keys: ['k', '↑'], action: 'keys.previous' },
  { keys: ['Enter'], action: 'keys.openRow' },
  { keys: ['x'], action: 'keys.select' },
  { keys: ['Shift + x'], action: 'keys.selectTo' },
  { keys: ['Del', 'Backspace'], action: 'keys.delete' },
  { keys: ['u'], action: 'keys.undo' },
  { keys: ['/'], action: 'keys.search' },
  { keys: ['?'], action: 'keys.help' },
  { keys: ['Ctrl+K', '⌘K'], action: 'keys.palette' },
] as const

/** Whether the sheet that explains them is shown. */
export const isSheetOpen = ref(false)

const KEY = 'shortcuts'

function isStoredOn(): boolean {
  try {
    return localStorage.getItem(KEY) !== 'off'
  } catch {
    return true // Storage is blocked: the choice lasts until the page is left.
  }
}

/** Single keys get in the way of those who dictate to their computer, so they can be turned off. */
export const isOn = ref(isStoredOn())
watch(isOn, (on) => {
  try {
    if (on) localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, 'off')
  } catch {
    // See isStoredOn().
  }
})

const TYPED_INTO = 'input:not([type=checkbox], [type=file]), textarea, select, [contenteditable]'
const IN_FRONT = '[role=dialog], [role=alertdialog], [role=menu]'

interface Actions {
  /** Select a row by its place, or with `range` all rows up to it. */
  select: (row: number, range: boolean) => void
  /** Delete the selection; without one, the row at the cursor (-1: there is no cursor). */
  remove: (row: number) => Promise<void>
  help: () => void
}

/**
 * Work a list with single keys. The cursor is the focus itself, on the link of a row: browsers show
 * it, screen readers read it, and Enter opens it.
 */
export function useShortcuts(list: () => HTMLElement | null, actions: Actions): void {
  let latest = -1

  const rows = () => [...(list()?.querySelectorAll<HTMLElement>('.request-row') ?? [])]
  const current = () => rows().findIndex((row) => row.contains(document.activeElement))

  function move(to: number) {
    const all = rows()
    latest = Math.max(0, Math.min(to, all.length - 1))
    const target = all[latest]?.querySelector<HTMLElement>('a') ?? list()
    target?.focus()
  }

  /** The row with the focus has gone: stay where it was. */
  async function stay(change: () => unknown) {
    const before = current()
    await change()
    await nextTick()
    if (!document.querySelector(IN_FRONT)) move(before < 0 ? latest : before)
  }

  function act(event: KeyboardEvent): boolean {
    const at = current()
    const isInList = at >= 0
    switch (event.key) {
      case 'ArrowDown':
      case 'ArrowUp':
        if (!isInList) return false // scrolls the page
        move(event.key === 'ArrowDown' ? at + 1 : at - 1)
        return true
      case 'j':
        move(isInList ? at + 1 : latest)
        return true
      case 'k':
        move(isInList ? at - 1 : latest)
        return true
      case 'x':
      case 'X':
        if (isInList && !event.repeat) actions.select(at, event.shiftKey)
        return isInList
      case 'Enter': {
        const isBox = (event.target as Element).matches('[type=checkbox]')
        if (isInList && isBox) rows()[at]!.querySelector('a')!.click()
        return isInList && isBox
      }
      case 'Delete':
      case 'Backspace':
        if (!event.repeat) void stay(() => actions.remove(at))
        return true
      case 'u': {
        const entry = toasts.filter(({ undo }) => undo).at(-1)
        if (entry) void stay(() => undoToast(entry))
        return !!entry
      }
      case '/':
        list()?.querySelector<HTMLInputElement>('[type=search]')?.focus()
        return true
      case '?':
        actions.help()
        return true
      default:
        return false
    }
  }

  function press(event: KeyboardEvent) {
    const { target } = event
    if (!isOn.value || event.defaultPrevented) return
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
    if (target instanceof Element && target.closest(TYPED_INTO)) return
    if (document.querySelector(IN_FRONT)) return
    if (act(event)) event.preventDefault()
  }

  onMounted(() => addEventListener('keydown', press))
  onBeforeUnmount(() => removeEventListener('keydown', press))
}
