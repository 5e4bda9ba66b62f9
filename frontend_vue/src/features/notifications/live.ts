import type { QueryClient } from '@tanstack/vue-query'
import type { Router } from 'vue-router'

import type { components } from '@/api/schema'
import { env, ownName } from '@/env'
import { type Events, type Follow, isLive } from '@/live/state'
import { toast } from '@/ui/toast'

import { t } from './locales'
import {
  inboxKey,
  inboxQuery,
  isFailure,
  isWanted,
  preferenceQuery,
  pageOf,
  unreadQuery,
} from './queries'

type Schemas = components['schemas']

declare module '@/live/state' {
  interface Events {
    'notification.created': Schemas['Notification']
    'notification.unread': Schemas['Unread']
  }
}

type Told = Events['notification.created']
/** What comes within so many milliseconds is shown together. */
const GATHER = 1000
/** More at once are one toast. */
const TOASTS = 3

/** Without a stream the count, which is asked for when a request ends, tells of new ones. */
export default ((client, router) => {
  const handlers = notificationHandlers(client, router)
  tellByCount(client, handlers['notification.created'])
  return {
    handlers,
    onEnd() {
      if (!isLive.value) void client.invalidateQueries(unreadQuery)
    },
  }
}) satisfies Follow

/** Shows what the server tells of notifications: in this tab, or outside of it while it is hidden. */
export function notificationHandlers(client: QueryClient, router: Router) {
  const waiting: Told[] = []
  /** Also those that came without a stream: one that returns tells of them again. */
  const known = new Set<string>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let isCountStale = false
  holdWhileVisible()

  function refreshSoon() {
    timer ??= setTimeout(() => {
      timer = undefined
      void client.invalidateQueries({ queryKey: inboxKey })
      if (isCountStale) void client.invalidateQueries(unreadQuery)
      isCountStale = false
      showToasts(waiting.splice(0), router)
    }, GATHER)
  }

  function created(told: Told) {
    refreshSoon()
    const key = `${told.id} ${told.created_at}` // a batch may end again
    if (known.has(key)) return
    known.add(key)
    const { path, fullPath } = router.currentRoute.value
    if (document.hidden) void showOutside(told, client, router)
    // The page of the request says it already, and the bell marks it as read.
    else if (![path, fullPath].includes(pageOf(router, told) ?? '')) waiting.push(told)
  }

  return {
    'notification.created': created,
    'notification.unread': (unread: Events['notification.unread']) => {
      client.setQueryData(unreadQuery.queryKey, unread)
      refreshSoon()
    },
    // Its notifications are deleted with it.
    'request.deleted': () => {
      isCountStale = true
      refreshSoon()
    },
  }
}

/**
 * Tells of new notifications when the count that was asked for has grown: without a stream, and
 * before one has begun to tell.
 */
export function tellByCount(client: QueryClient, created: (told: Told) => void) {
  const { queryKey } = unreadQuery
  let before = client.getQueryData(queryKey)?.count
  client.getQueryCache().subscribe((event) => {
    if (event.type !== 'updated' || event.action.type !== 'success') return
    if (event.query.queryKey.join() !== queryKey.join()) return
    const { count } = event.action.data as Events['notification.unread']
    const more = count - (before ?? count)
    before = count
    if (more <= 0 || event.action.manual) return // a stream that gives the count tells of them too
    client.fetchQuery({ ...inboxQuery({ page: 1, unread: true }), staleTime: 0 }).then(
      ({ results }) => results.slice(0, more).forEach(created),
      () => {}, // the bell has the count
    )
  })
}

function showToasts(told: Told[], router: Router) {
  const failed = told.filter(isFailure).length
  if (told.length > TOASTS) {
    const tone = failed ? 'bad' : 'good'
    const text = failed
      ? t('manyFailed', { n: told.length, failed })
      : t('many', { n: told.length })
    toast(text, { tone, to: '/notifications' })
    return
  }
  for (const each of told) {
    const tone = isFailure(each) ? 'bad' : 'good'
    toast(each.text, { tone, to: pageOf(router, each) })
  }
}

/** Has the browser show it, unless the user did not ask for that or has the app before them. */
async function showOutside(told: Told, client: QueryClient, router: Router) {
  if (!('Notification' in window) || Notification.permission !== 'granted') return
  const { browser } = await client.fetchQuery({ ...preferenceQuery, staleTime: 60_000 })
  if (!isWanted(browser, told) || (await isVisibleInAnotherTab())) return
  // Tabs that show the same tag show it once.
  const shown = new Notification(env.name, { body: told.text, tag: told.id })
  shown.addEventListener('click', () => {
    window.focus()
    void router.push(pageOf(router, told) ?? '/notifications')
    shown.close()
  })
}

const lock = () => ownName('visible')

/** Lets other tabs know when this one is visible. Without locks there are no notifications either. */
function holdWhileVisible() {
  let release: (() => void) | undefined
  function update() {
    if (document.hidden) release = void release?.()
    else if (!release)
      void navigator.locks?.request(
        lock(),
        { mode: 'shared' },
        () => new Promise<void>((resolve) => (release = resolve)),
      )
  }
  document.addEventListener('visibilitychange', update)
  update()
}

async function isVisibleInAnotherTab() {
  const held = (await navigator.locks?.query())?.held
  return !!held?.some(({ name }) => name === lock())
}
