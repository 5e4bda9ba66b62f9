import { reactive } from 'vue'

export interface Toast {
  id: number
  text: string
  tone: 'good' | 'bad'
  /** Where the thing spoken of can be seen. */
  to?: string
  /** Takes back what the toast reports; closes it. */
  undo?: () => void
  /** Called when the toast goes, for whatever reason; after `undo`. */
  onClose?: () => unknown
}

type Options = Partial<Pick<Toast, 'tone' | 'to' | 'undo' | 'onClose'>>

const READ_TIME = 6_000
export const UNDO_TIME = 10_000
/** At once, so that they leave the page in sight. */
const MOST = 3

export const toasts = reactive<Toast[]>([])
let last = 0

/** Says something in the corner for a few seconds; a failure stays until it is closed or others follow. */
export function toast(text: string, options: Options = {}): number {
  const id = ++last
  const tone = options.tone ?? 'good'
  toasts.push({ id, text, ...options, tone })
  const others = toasts.filter(({ undo }) => !undo)
  if (others.length > MOST) closeToast(others[0]!.id)
  if (tone === 'good') setTimeout(() => closeToast(id), options.undo ? UNDO_TIME : READ_TIME)
  return id
}

export function closeToast(id: number): unknown {
  const index = toasts.findIndex((entry) => entry.id === id)
  return toasts.splice(index, index < 0 ? 0 : 1)[0]?.onClose?.()
}

/** Close all toasts and wait for what that sets off. */
export async function closeToasts(): Promise<void> {
  await Promise.all(toasts.map(({ id }) => id).map(closeToast))
}

export function undoToast({ id, undo }: Toast): void {
  undo?.()
  closeToast(id)
}
