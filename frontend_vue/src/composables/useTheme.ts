import { readonly, ref } from 'vue'

const KEY = 'theme'
const system = matchMedia('(prefers-color-scheme: dark)')

// The script in index.html has decided before the first paint.
const dark = ref(document.documentElement.classList.contains('dark'))

function apply(value: boolean) {
  dark.value = value
  document.documentElement.classList.toggle('dark', value)
  const paper = getComputedStyle(document.documentElement).getPropertyValue('--paper')
  document.querySelector('meta[name=theme-color]')?.setAttribute('content', paper)
}

function remembered(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null // Storage is blocked: the choice lasts until the page is left.
  }
}

function remember(choice: string | null) {
  try {
    if (choice) localStorage.setItem(KEY, choice)
    else localStorage.removeItem(KEY)
  } catch {
    // See remembered().
  }
}

system.addEventListener('change', () => remembered() ?? apply(system.matches))

/** Light or dark: as the system says, until somebody says otherwise. */
export function useTheme() {
  function toggle() {
    apply(!dark.value)
    // Choosing what the system has anyway means following it again.
    remember(dark.value === system.matches ? null : dark.value ? 'dark' : 'light')
  }
  return { dark: readonly(dark), toggle }
}
