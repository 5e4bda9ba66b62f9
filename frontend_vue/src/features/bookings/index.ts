import { CalendarRange } from '@lucide/vue'

import { defineFeature } from '@/feature'

import { t } from './locales/first'

export default defineFeature({
  name: 'bookings',
  get title() {
    return t('title')
  },
  get description() {
    return t('description')
  },
  icon: CalendarRange,
  routes: [
    { path: '', component: () => import('./BookingListPage.vue') },
    { path: 'new', component: () => import('./BookingFormPage.vue') },
    { path: 'instruments', component: () => import('./InstrumentListPage.vue') },
    { path: 'instruments/new', component: () => import('./InstrumentFormPage.vue') },
    { path: 'instruments/:id', component: () => import('./InstrumentPage.vue'), props: true },
    {
      path: 'instruments/:id/edit',
      component: () => import('./InstrumentFormPage.vue'),
      props: true,
    },
    { path: ':id', component: () => import('./BookingPage.vue'), props: true },
    { path: ':id/edit', component: () => import('./BookingFormPage.vue'), props: true },
  ],
})
