import { Map } from '@lucide/vue'

import { defineFeature } from '@/feature'

import { t } from './locales/first'

export default defineFeature({
  name: 'rasters',
  get title() {
    return t('title')
  },
  get description() {
    return t('description')
  },
  icon: Map,
  commands: () => import('./commands'),
  routes: [
    { path: '', component: () => import('./RastersPage.vue') },
    { path: ':id', component: () => import('./RasterPage.vue'), props: true },
  ],
  furtherRoutes: [
    {
      path: 'mosaics',
      children: [
        { path: '', component: () => import('./MosaicsPage.vue') },
        { path: ':id', component: () => import('./MosaicPage.vue'), props: true },
      ],
    },
  ],
  publicRoutes: [
    { path: '/shared/:token', component: () => import('./SharedPage.vue'), props: true },
  ],
})
