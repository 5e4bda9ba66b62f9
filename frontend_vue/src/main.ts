import { VueQueryPlugin } from '@tanstack/vue-query'
import { createApp } from 'vue'

import { accountParts as key } from '@/account/part'
import { forgetSession } from '@/account/session'
import { onUnauthorized } from '@/api/client'
import { queryClient } from '@/api/queryClient'
import App from '@/app/App.vue'
import { accountParts, features } from '@/app/features'
import { createAppRouter, nextQuery } from '@/app/router'
import { reloadWhenReplaced } from '@/app/updates'
import { setTitle } from '@/composables/title'
import '@/style.css'

const router = createAppRouter(features, accountParts)
reloadWhenReplaced(router)

onUnauthorized(() => {
  const { meta, fullPath } = router.currentRoute.value
  forgetSession()
  if (!meta.public) router.push({ name: 'login', query: { ...nextQuery(fullPath), why: 'ended' } })
})

router.afterEach((to) => setTitle(to.meta.title))

createApp(App)
  .provide(key, accountParts)
  .use(VueQueryPlugin, { queryClient })
  .use(router)
  .mount('#app')
