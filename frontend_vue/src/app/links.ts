import { t } from './locales'

const OURS = ['help', 'api_docs', 'admin', 'queues'] as const

/** What a page outside the app is called: ours by a message, others as operators call them. */
export function linkTitle(name: string): string {
  const own = OURS.find((one) => one === name)
  return own ? t(`link.${own}`) : name
}
