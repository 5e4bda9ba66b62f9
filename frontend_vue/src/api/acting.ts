import { shallowRef } from 'vue'

import { ownName } from '@/env'

import { queryClient } from './queryClient'

/** An account that somebody acts for, in place of their own. */
export interface ActingFor {
  id: string
  name: string
}

const KEPT = ownName('acting-for')
// Of this tab: in another one the same person may work for themselves.
const acting = shallowRef<ActingFor | undefined>(read())

function read(): ActingFor | undefined {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEPT) ?? '')
    const { id, name } = kept as ActingFor
    return typeof id === 'string' && typeof name === 'string' ? { id, name } : undefined
  } catch {
    return undefined // nothing is kept, or the browser keeps nothing
  }
}

/** Whom lists are of and new things belong to; undefined for the person who is signed in. */
export function useActing() {
  return acting
}

/** From now on acts for an account, or again for oneself: what is shown is asked for anew. */
export function actFor(account: ActingFor | undefined): void {
  if (acting.value?.id === account?.id) {
    acting.value = account // it may be called something else
    return
  }
  acting.value = account
  try {
    if (account) sessionStorage.setItem(KEPT, JSON.stringify(account))
    else sessionStorage.removeItem(KEPT)
  } catch {
    // for as long as the page is open, then
  }
  void queryClient.resetQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'session' })
}

/** The same for something that is sent later, when somebody may act for another account. */
export function actingAsNow(): Record<string, string> {
  return { 'X-Act-For': acting.value?.id ?? '' }
}

/** The header by which a call says so. */
export function actingHeader(): Record<string, string> {
  return acting.value ? { 'X-Act-For': acting.value.id } : {}
}
