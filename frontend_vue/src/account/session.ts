import { queryOptions, useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'

import { api, unwrap, withSession } from '@/api/client'
import { queryClient } from '@/api/queryClient'
import type { components } from '@/api/schema'
import { env, ownName, whole } from '@/env'
import { closeToasts } from '@/ui/toast'

export type User = components['schemas']['User']
/** What proves once more who it is. */
export type Confirmation = components['schemas']['ConfirmRequest']

/** Who is signed in. The session itself is a cookie that scripts cannot read. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }) => {
    const session = await unwrap(api.GET('/auth/session/', { signal }))
    handOver(session.user)
    return session
  },
  staleTime: Infinity,
  gcTime: Infinity,
  retry: false,
})

const OWNER = ownName('user')
const silence = (event: Event) => event.stopImmediatePropagation()

/**
 * What a tab keeps, also in its memory, is of one person: all of it goes when somebody else has
 * signed in, here or in another tab.
 */
function handOver(user?: User | null): void {
  try {
    if (user) localStorage.setItem(OWNER, String(user.id)) // of a change the other tabs are told
    const now = localStorage.getItem(OWNER)
    const before = sessionStorage.getItem(OWNER)
    if (!now || now === before) return
    if (before) sessionStorage.clear()
    sessionStorage.setItem(OWNER, now)
    if (!before) return
  } catch {
    return // the browser keeps nothing
  }
  // Without the question whether to leave: an upload that goes on would be the other person's.
  addEventListener('beforeunload', silence, { capture: true, once: true })
  location.reload()
}

// One that was asleep may have missed what it was told.
for (const name of ['storage', 'focus']) addEventListener(name, () => handOver())

// Browsers may keep a page for “back” as it was, with all that it shows, also after a sign-out.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload())

/** Pages outside the app that the user may open, such as the admin. */
export function useLinks() {
  const { data } = useQuery(sessionQuery)
  return computed(() => data.value?.links ?? [])
}

export function useUser() {
  const { data } = useQuery(sessionQuery)
  return computed<User | null>(() => data.value?.user ?? null)
}

/**
 * @param answers to what the account asks for besides, by name.
 * @throws {ApiError} with a sentence for the form.
 */
export async function signIn(
  email: string,
  password: string,
  answers: Record<string, unknown> = {},
): Promise<void> {
  await unwrap(api.POST('/auth/login/', { body: { ...answers, email, password, token: false } }))
  await queryClient.fetchQuery({ ...sessionQuery, staleTime: 0 })
}

/** Ends the session and reloads, so that nothing of this person stays in the page's memory. */
export async function signOut(): Promise<void> {
  await closeToasts() // a deletion that can still be undone is sent while it may be
  await unwrap(api.POST('/auth/logout/'))
  location.assign(whole('/login'))
}

let asking: Promise<boolean> | undefined

/**
 * Whether a refusal means that nobody is signed in any more. It does not for a call that was on its
 * way while this browser got another session: what is shown is asked for again.
 */
export function isSessionOver(): Promise<boolean> {
  asking ??= withSession(() => queryClient.fetchQuery({ ...sessionQuery, staleTime: 0 }))
    .then(async ({ user }) => {
      if (user) await queryClient.invalidateQueries({ predicate: isNotSession })
      return !user
    })
    .catch(() => true)
    .finally(() => (asking = undefined))
  return asking
}

const isNotSession = ({ queryKey }: { queryKey: readonly unknown[] }) => queryKey[0] !== 'session'

/** The server no longer knows this session: forget who it was and what they saw. */
export function forgetSession(): void {
  queryClient.setQueryData(sessionQuery.queryKey, (known) => known && { ...known, user: null })
  queryClient.removeQueries({ predicate: isNotSession })
}

/**
 * Where to go after sign-in, without the base that the server puts before it. Only a path of this
 * site: `//host` and `/\host` are other sites to a browser, which leaves out tabs and line breaks
 * before it looks. A link with such a `next` would lend them our name.
 */
export function safeNext(next: unknown): string {
  if (typeof next !== 'string') return '/'
  const own = next.startsWith(whole('/')) ? next.slice(env.basePath.length) : next
  return /^\/(?![/\\])[^\t\n\r]*$/.test(own) ? own : '/'
}
