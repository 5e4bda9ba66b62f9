import { beforeAll } from 'vitest'

import { messagesReady } from './catalogue'

// The messages of all rooms are there before a test begins, as they are before a page is shown.
const catalogues = import.meta.glob('../**/locales/**/index.ts')

beforeAll(async () => {
  await Promise.all(Object.values(catalogues).map((load) => load()))
  await messagesReady()
})
