import { type Component, inject, type InjectionKey } from 'vue'
import type { RouteRecordRaw } from 'vue-router'

import type { Follow } from '@/live/state'
import type { Command } from '@/ui/commands'

/** What a folder in src/features/ adds to accounts, as default of its account.ts. */
export interface AccountModule {
  /** Pages for people who are not signed in, with whole addresses. */
  routes?: RouteRecordRaw[]
  /** Loads a section for the account's page; it is given the `user`. */
  section?: () => Promise<{ default: Component }>
  /** Pages for people who are signed in, with whole addresses, in the frame of the app. */
  pages?: RouteRecordRaw[]
  /** Loads what stands at the end of the header, as large as a button. */
  headerPart?: () => Promise<{ default: Component }>
  /** Loads what the command palette offers on every page. */
  commands?: () => Promise<{ default: () => Command[] }>
  /** Loads what follows changes as the server tells them. */
  live?: () => Promise<{ default: Follow }>
  /** Entries of the account menu. */
  menu?: MenuEntry[]
  /** Loads what stands in the account menu, which is a reka-ui DropdownMenu. */
  menuPart?: () => Promise<{ default: Component }>
  /** Loads another way to sign in, shown below the form; it emits `done` once somebody is. */
  signInPart?: () => Promise<{ default: Component }>
  proof?: Proof
  /** Code of the refusals that last until the account has what the section sets up. */
  heldBy?: string
}

export interface MenuEntry {
  /** A getter, so that it follows the language. */
  title: string
  icon: Component
  to: string
}

/** What some accounts ask for besides the password. */
export interface Proof {
  /** What it fills in the bodies of the API, as refusals name it; a field of the first is shown. */
  names: [string, ...string[]]
  /** Code of the refusal that asks for it. */
  askedBy: string
  /** Whether the account of whoever is signed in is known to ask for it. Called in a setup. */
  useAsked: () => () => boolean
  /** Its field, with all answers as model, and the errors to show as `fields`. */
  field: Component
}

export const accountModules: InjectionKey<AccountModule[]> = Symbol('account modules')

/** The features that a token may be limited to: the first part of their URLs, and their titles. */
export const tokenKinds: InjectionKey<{ name: string; title: string }[]> = Symbol('token kinds')

export function useAccountModules(): AccountModule[] {
  return inject(accountModules, [])
}

export function useProofs(): Proof[] {
  return useAccountModules().flatMap(({ proof }) => proof ?? [])
}
