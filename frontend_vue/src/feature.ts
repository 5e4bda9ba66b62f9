import type { Component } from 'vue'
import type { RouteRecordRaw } from 'vue-router'

import type { Command } from '@/ui/commands'

/** What a folder in src/features/ exports as default from its index.ts. */
export interface Feature {
  /** First part of its addresses, and of its API: "invoices". */
  name: string
  /** What people call it, in the navigation: "Invoices". A getter, so that it follows the language. */
  title: string
  /** One sentence for the overview that appears with more than one feature. */
  description: string
  icon: Component
  /** Pages below `/<name>`; the first, with path "", is where the navigation leads. */
  routes: RouteRecordRaw[]
  /** Pages elsewhere in the frame of the app: of further kinds of requests, below `/<kind>`. */
  furtherRoutes?: RouteRecordRaw[]
  /** Pages for visitors without an account, outside the frame of the app, with whole addresses. */
  publicRoutes?: RouteRecordRaw[]
  /**
   * What the command palette offers on every page, besides the feature's first one. Loaded when the
   * palette is first opened. What only a page can do, that page offers with `useCommands`.
   */
  commands?: () => Promise<{ default: () => Command[] }>
}

/** Gives the shape of a feature to the compiler. */
export function defineFeature(feature: Feature): Feature {
  return feature
}
