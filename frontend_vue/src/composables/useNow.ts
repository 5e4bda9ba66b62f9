import { onScopeDispose, readonly, ref } from 'vue'

/** The time in milliseconds, renewed every `interval` ms for as long as the component lives. */
export function useNow(interval = 1000) {
  const now = ref(Date.now())
  const timer = setInterval(() => (now.value = Date.now()), interval)
  onScopeDispose(() => clearInterval(timer))
  return readonly(now)
}
