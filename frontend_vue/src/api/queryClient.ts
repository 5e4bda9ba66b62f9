import { QueryClient } from '@tanstack/vue-query'

import { isAway, retryPause } from './errors'

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // An answer that says no will say no again; silence may be a restart.
        retry: (failures, error) => isAway(error) && failures < 2,
        retryDelay: (failures, error) => retryPause(error, 1000 * 2 ** failures),
        // The browser's idea of being offline is wrong for a server on this machine.
        networkMode: 'always',
      },
      mutations: { networkMode: 'always' },
    },
  })
}

/** Everything the page knows of the server is kept here, and nowhere else. */
export const queryClient = createQueryClient()
