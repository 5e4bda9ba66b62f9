import { Map } from '@lucide/vue'

import { defineFeature } from '@/feature'

export default defineFeature({
  name: 'rasters',
  title: 'Rasters',
  description: 'GeoTIFFs in, Cloud-Optimized GeoTIFFs out, shown on a map.',
  icon: Map,
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
