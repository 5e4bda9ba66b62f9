import {
  createRouter,
  createWebHistory,
  type RouteLocationNormalized,
  type RouteRecordRaw,
  type RouterHistory,
} from 'vue-router'

import type { AccountModule } from '@/account/module'
import { followAccount } from '@/account/language'
import LoginPage from '@/account/LoginPage.vue'
import { safeNext, sessionQuery } from '@/account/session'
import { queryClient } from '@/api/queryClient'
import { setTitle, type Title } from '@/composables/title'
import { whole } from '@/env'
import type { Feature } from '@/feature'
import { messagesReady } from '@/i18n/catalogue'

import { t } from './locales/first'

declare module 'vue-router' {
  interface RouteMeta {
    /** Shown to people who are not signed in. */
    public?: boolean
    /** Shown only to them: for others it has nothing. */
    strangers?: boolean
    /** Part of the window's title. */
    title?: Title
    /** The feature that it belongs to. */
    feature?: string
  }
}

export function createAppRouter(
  features: Feature[],
  accountModules: AccountModule[] = [],
  history: RouterHistory = createWebHistory(whole('/')),
) {
  const routes: RouteRecordRaw[] = [
    {
      path: '/login',
      name: 'login',
      component: LoginPage,
      meta: { public: true, strangers: true, title: () => t('title.login') },
    },
    {
      path: '/register',
      component: signInPage('RegisterPage'),
      meta: { public: true, strangers: true, title: () => t('title.register') },
    },
    {
      path: '/check-mail',
      component: signInPage('CheckMailPage'),
      meta: { public: true, title: () => t('title.checkMail') },
    },
    {
      path: '/verify-email/:key',
      component: signInPage('VerifyEmailPage'),
      meta: { public: true, title: () => t('title.verifyEmail') },
    },
    {
      path: '/confirm-address/:key',
      component: signInPage('ConfirmAddressPage'),
      meta: { public: true, title: () => t('title.verifyEmail') },
    },
    {
      path: '/forgot',
      component: signInPage('ForgotPage'),
      meta: { public: true, title: () => t('title.forgot') },
    },
    {
      path: '/reset/:uid/:token',
      component: signInPage('ResetPage'),
      meta: { public: true, title: () => t('title.reset') },
    },
    ...accountModules
      .flatMap((module) => module.routes ?? [])
      .map((route) => ({ ...route, meta: { ...route.meta, public: true, strangers: true } })),
    ...features
      .flatMap((feature) => feature.publicRoutes ?? [])
      .map((route) => ({ ...route, meta: { ...route.meta, public: true } })),
    {
      path: '/',
      component: () => import('./AppShell.vue'),
      children: [
        features.length === 1
          ? { path: '', name: 'home', redirect: `/${features[0]!.name}` }
          : { path: '', name: 'home', component: () => import('./HomePage.vue') },
        ...features.map((feature) => ({
          path: feature.name,
          children: feature.routes,
          meta: { title: () => feature.title, feature: feature.name },
        })),
        ...features.flatMap((feature) =>
          (feature.furtherRoutes ?? []).map((route) => ({
            ...route,
            meta: { title: () => feature.title, feature: feature.name },
          })),
        ),
        {
          path: 'account',
          component: async () => {
            const sections = accountModules.map((module) => module.section?.())
            const [page] = await Promise.all([import('@/account/AccountPage.vue'), ...sections])
            return page
          },
          meta: { title: () => t('title.account') },
        },
        {
          path: 'requests/:id',
          component: () => import('./AnyRequestPage.vue'),
          props: true,
          meta: { title: () => t('title.request') },
        },
        ...accountModules.flatMap((module) => module.pages ?? []),
        {
          path: '/:pathMatch(.*)*',
          name: 'missing',
          component: () => import('./MissingPage.vue'),
          meta: { title: () => t('title.missing') },
        },
      ],
    },
    {
      // Not an address of its own: it stands in for any page while the server is away;
      // last, so that addresses find their own page first.
      path: '/:pathMatch(.*)*',
      name: 'unreachable',
      component: () => import('./UnreachablePage.vue'),
      meta: { public: true, title: () => t('title.unreachable') },
    },
  ]

  const router = createRouter({
    history,
    routes,
    // What a hash names may load later, and comes into view by itself.
    scrollBehavior: (to, from, saved) =>
      saved ?? (to.path === from.path || to.hash ? undefined : { left: 0, top: 0 }),
  })
  router.beforeEach(admit)
  router.beforeResolve(() => messagesReady())
  router.afterEach((to, from, failure) => {
    // Within a page, which may have a title of its own since, only the address changes.
    const isSame = to.path === from.path && to.matched.at(-1) === from.matched.at(-1)
    if (!failure && !isSame) setTitle(to.meta.title)
  })
  return router
}

/** One of the pages around sign-in. */
function signInPage(name: keyof typeof import('@/account/signInPages')) {
  return () => import('@/account/signInPages').then((pages) => pages[name])
}

/** Asks the server once who is here, and sends strangers to the sign-in page and back. */
async function admit(to: RouteLocationNormalized) {
  if (to.name === 'unreachable') return
  let user
  try {
    ;({ user } = await queryClient.ensureQueryData(sessionQuery))
  } catch {
    return { ...standIn(to), name: 'unreachable', replace: true }
  }
  await followAccount(user).catch(() => {}) // its messages did not come: the page stays as it is
  if (to.meta.strangers) return user ? safeNext(to.query.next) : undefined
  if (!user && !to.meta.public) return { name: 'login', query: nextQuery(to.fullPath) }
}

/** The same address, shown by another page. */
function standIn({ path, query, hash }: RouteLocationNormalized) {
  return { params: { pathMatch: path.slice(1).split('/') }, query, hash }
}

/** Query of the sign-in page that leads back to `path`; none for the start page. */
export function nextQuery(path: string) {
  return path === '/' ? {} : { next: path }
}
