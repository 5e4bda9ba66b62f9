import { createApp, h } from 'vue'

import { env } from '@/env'

createApp({ render: () => h('h1', `Rootstock ${env.version}`) }).mount('#app')
