import type { LocationQuery, LocationQueryRaw } from 'vue-router'

import type { Conditions, ListQuery, Ordering, Status } from './types'
import { STATUSES } from './wording'

/** What a list shows, as it stands in the address: it survives "back" and can be sent on. */
export interface ListState {
  /** None are all. */
  statuses: Status[]
  search: string
  /** The id of a batch that the list is narrowed to. */
  batch: string
  /** Days, as date fields have them, in the visitor's time zone; both included. */
  from: string
  to: string
  ordering: Ordering
  page: number
}

/** The message that names each. */
export const ORDERINGS = {
  '-created_at': 'order.newest',
  created_at: 'order.oldest',
  name: 'order.name',
  '-name': 'order.nameDown',
} as const satisfies Record<Ordering, string>
const NEWEST = '-created_at'
const LONGEST_SEARCH = 200
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

/** The state that an address asks for; what it says wrongly is left out. */
export function readState(query: LocationQuery): ListState {
  const text = (name: string) => String(query[name] ?? '')
  const asked = text('status').split(',')
  const ordering = text('ordering')
  return {
    statuses: STATUSES.filter((status) => asked.includes(status)),
    search: text('search').slice(0, LONGEST_SEARCH),
    batch: UUID.test(text('batch')) ? text('batch') : '',
    from: day(text('from')),
    to: day(text('to')),
    ordering: Object.hasOwn(ORDERINGS, ordering) ? (ordering as Ordering) : NEWEST,
    page: Math.max(1, Math.trunc(Number(text('page'))) || 1),
  }
}

/** The address of a state, without what is as usual. */
export function writeState(state: ListState): LocationQueryRaw {
  const { statuses, page, ordering, ...others } = state
  return Object.fromEntries(
    Object.entries({
      status: statuses.join(','),
      ...others,
      ordering: ordering === NEWEST ? '' : ordering,
      page: page > 1 ? page : '',
    }).filter(([, value]) => value),
  )
}

/** Whether anything but the order narrows the list. */
export function isFiltered({ statuses, search, batch, from, to }: ListState): boolean {
  return !!(statuses.length || search || batch || from || to)
}

/** Some statuses with another one, or without it if it was among them; all of them are none. */
export function toggleStatus(statuses: Status[], status: Status): Status[] {
  const chosen = STATUSES.filter((each) => statuses.includes(each) !== (each === status))
  return chosen.length === STATUSES.length ? [] : chosen
}

/** The state as the API has it, without page and order. */
export function toConditions({ statuses, search, batch, from, to }: ListState): Conditions {
  return {
    status: statuses.join(',') || undefined,
    search: search || undefined,
    batch: batch || undefined,
    created_after: from ? midnight(from, 0) : undefined,
    created_before: to ? midnight(to, 1) : undefined,
  }
}

export function toQuery(state: ListState, pageSize: number): ListQuery {
  const { page, ordering } = state
  return { ...toConditions(state), page, ordering, page_size: pageSize }
}

function day(text: string): string {
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : ''
}

/** When a day begins here, or one that is some days after it. */
function midnight(text: string, after: number): string {
  const [year, month, date] = text.split('-').map(Number) as [number, number, number]
  return new Date(year, month - 1, date + after).toISOString()
}
