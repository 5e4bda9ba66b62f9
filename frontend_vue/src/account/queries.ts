import { queryOptions } from '@tanstack/vue-query'

import { api, unwrap } from '@/api/client'
import type { components } from '@/api/schema'

export type ApiToken = components['schemas']['ApiToken']

export type UserSession = components['schemas']['UserSession']

/** Where the account is signed in, the session that was used last first. */
export const sessionsQuery = queryOptions({
  queryKey: ['account', 'sessions'],
  queryFn: ({ signal }) => unwrap(api.GET('/auth/sessions/', { signal })),
})

/** All of them: an account has 60 at most. */
export const tokensQuery = queryOptions({
  queryKey: ['account', 'tokens'],
  queryFn: async ({ signal }) => {
    const query = { page_size: 100 }
    return (await unwrap(api.GET('/auth/tokens/', { params: { query }, signal }))).results
  },
})
