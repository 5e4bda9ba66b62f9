import { ref, watchEffect } from 'vue'

import { env } from '@/env'

const parts = ref<string[]>([])

/** Written before the window's title, such as "(3) ". */
export const titlePrefix = ref('')

/** Sets the title of the window, from the most particular to the least; the app's name is added. */
export function setTitle(...words: (string | undefined)[]): void {
  parts.value = words.filter((word) => word !== undefined && word !== '') as string[]
}

watchEffect(
  () => {
    document.title = titlePrefix.value + [...parts.value, env.name].join(' · ')
  },
  { flush: 'sync' },
)
