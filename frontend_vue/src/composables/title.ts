import { ref, shallowRef, watchEffect } from 'vue'

import { env } from '@/env'

/** A text, or what says it in the language of the page. */
export type Title = string | (() => string)

const parts = shallowRef<Title[]>([])

/** Written before the window's title, such as "(3) ". */
export const titlePrefix = ref('')

/** Sets the title of the window, from the most particular to the least; the app's name is added. */
export function setTitle(...words: (Title | undefined)[]): void {
  parts.value = words.filter((word) => word !== undefined && word !== '') as Title[]
}

watchEffect(
  () => {
    const words = parts.value.map((part) => (typeof part === 'string' ? part : part()))
    document.title = titlePrefix.value + [...words, env.name].filter(Boolean).join(' · ')
  },
  { flush: 'sync' },
)
