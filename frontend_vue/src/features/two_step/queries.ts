import { queryOptions } from '@tanstack/vue-query'

import { api, unwrap } from '@/api/client'

export const mfaQuery = queryOptions({
  queryKey: ['account', 'mfa'],
  queryFn: ({ signal }) => unwrap(api.GET('/auth/mfa/', { signal })),
})

export const passkeysQuery = queryOptions({
  queryKey: ['account', 'mfa', 'passkeys'],
  queryFn: ({ signal }) => unwrap(api.GET('/auth/mfa/passkeys/', { signal })),
})
