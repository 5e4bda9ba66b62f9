import { reactive } from 'vue'

export interface Toast {
  id: number
  text: string
  tone: 'good' | 'bad'
  /** Where the thing spoken of can be seen. */
  to?: string
}

export const toasts = reactive<Toast[]>([])
let last = 0

/** Says something in the corner for a few seconds; a failure stays until it is closed. */
export function toast(text: string, options: { tone?: Toast['tone']; to?: string } = {}): void {
  const id = ++last
  const tone = options.tone ?? 'good'
  toasts.push({ id, text, tone, to: options.to })
  if (tone === 'good') setTimeout(() => closeToast(id), 6000)
}

export function closeToast(id: number): void {
  const index = toasts.findIndex((entry) => entry.id === id)
  if (index >= 0) toasts.splice(index, 1)
}
