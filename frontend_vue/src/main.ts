import { VueQueryPlugin } from '@tanstack/vue-query'
import { createApp } from 'vue'

import { accountModules as key, tokenKinds } from '@/account/module'
import { forgetSession, isSessionOver } from '@/account/session'
import { onRefused, onUnauthorized } from '@/api/client'
import { queryClient } from '@/api/queryClient'
import App from '@/app/App.vue'
import { accountModules, features } from '@/app/features'
import { createAppRouter, nextQuery } from '@/app/router'
import { reloadWhenReplaced } from '@/app/updates'
import '@/style.css'

const router = createAppRouter(features, accountModules)
reloadWhenReplaced(router)

onUnauthorized(async () => {
  if (!(await isSessionOver())) return
  const { meta, fullPath } = router.currentRoute.value
  forgetSession()
  if (!meta.public) router.push({ name: 'login', query: { ...nextQuery(fullPath), why: 'ended' } })
})

for (const { heldBy } of accountModules) {
  if (!heldBy) continue
  onRefused(heldBy, () => {
    const { path, fullPath } = router.currentRoute.value
    if (path !== '/account') router.push({ path: '/account', query: { next: fullPath } })
  })
}

createApp(App)
  .provide(key, accountModules)
  .provide(tokenKinds, features)
  .use(VueQueryPlugin, { queryClient })
  .use(router)
  .mount('#app')
