import { onScopeDispose, readonly, ref } from 'vue'

import { serverNow } from '@/api/clock'

/** The server's time in milliseconds, renewed every `interval` ms for as long as the component lives. */
export function useNow(interval = 1000) {
  const now = ref(serverNow())
  const timer = setInterval(() => (now.value = serverNow()), interval)
  onScopeDispose(() => clearInterval(timer))
  return readonly(now)
}
