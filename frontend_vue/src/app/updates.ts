import type { Router } from 'vue-router'

import { whole } from '@/env'

const KEY = 'reloaded-for'

/**
 * A page that was open while a new version was installed asks for files that are gone. Loading the
 * address afresh brings the new version; once per address, because the file may be gone for another
 * reason.
 */
export function reloadWhenReplaced(router: Router): void {
  router.onError((error, to) => {
    if (!/dynamically imported module|module script|preload CSS/i.test(String(error))) return
    if (sessionStorage.getItem(KEY) === to.fullPath) return
    sessionStorage.setItem(KEY, to.fullPath)
    location.assign(whole(to.fullPath))
  })
  router.afterEach(() => sessionStorage.removeItem(KEY))
}
