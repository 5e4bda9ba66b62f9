import { queryOptions } from '@tanstack/vue-query'

import { api, unwrap } from '@/api/client'
import type { components } from '@/api/schema'

export type Team = components['schemas']['Team']
export type TeamDetail = components['schemas']['TeamDetail']
export type Member = components['schemas']['Member']
export type Role = Member['role']

export const ROLES: Role[] = ['viewer', 'editor', 'owner']
export const teamsKey = ['teams']
const all = { params: { query: { page_size: 100 } } }

/** Those one is in: a few. */
export const teamsQuery = queryOptions({
  queryKey: [...teamsKey, 'list'],
  queryFn: async ({ signal }) =>
    (await unwrap(api.GET('/teams/list/', { ...all, signal }))).results,
})

/** Those one is asked to join. */
export const invitationsQuery = queryOptions({
  queryKey: [...teamsKey, 'invitations'],
  queryFn: async ({ signal }) =>
    (await unwrap(api.GET('/teams/invitations/list/', { ...all, signal }))).results,
})

export function teamQuery(id: string) {
  return queryOptions({
    queryKey: [...teamsKey, id],
    queryFn: ({ signal }) =>
      unwrap(api.GET('/teams/detail/{id}/', { params: { path: { id } }, signal })),
  })
}
