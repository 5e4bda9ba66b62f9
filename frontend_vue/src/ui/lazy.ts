import { type Component, defineAsyncComponent } from 'vue'

import { messagesReady } from '@/i18n/catalogue'

import { t } from './locales/first'
import { toast } from './toast'

const Nothing: Component = { render: () => null }
let told = false

/** The code of a part and what it says: no route waits for the messages of one that comes later. */
export async function withMessages<Part>(load: () => Promise<Part>): Promise<Part> {
  const part = await load()
  await messagesReady()
  return part
}

/**
 * A component whose code is loaded when it is first shown. When it cannot be, it is left out and the
 * page around it stays, with what is on its way in it. Only loading the page again helps then:
 * browsers keep it in mind that a module could not be fetched.
 */
export function lazy<T extends Component>(load: () => Promise<{ default: T }>) {
  return defineAsyncComponent<T>(() =>
    withMessages(load).catch((): { default: T } | T => {
      if (!told) toast(t('partMissing'), { tone: 'bad' })
      told = true
      return Nothing as T
    }),
  )
}
