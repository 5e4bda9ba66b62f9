import { queryOptions, useQuery } from '@tanstack/vue-query'
import { computed, toValue, type ComputedRef, type MaybeRefOrGetter } from 'vue'

import { useUser } from '@/account/session'
import { api, unwrap } from '@/api/client'

/** Those that are on, asked for once by all who use one; a change is told by the event stream. */
const flagsQuery = queryOptions({
  queryKey: ['flags'],
  queryFn: ({ signal }) => unwrap(api.GET('/flags/active/', { signal })),
  refetchOnMount: false,
})

/**
 * Whether a feature flag is on, for who is signed in and the account they act for. Off while it is
 * not known, for visitors, and for names that nobody has heard of.
 */
export function useFlag(name: MaybeRefOrGetter<string>): ComputedRef<boolean> {
  const user = useUser()
  const { data } = useQuery({ ...flagsQuery, enabled: () => !!user.value })
  return computed(() => !!user.value && !!data.value?.active.includes(toValue(name)))
}
