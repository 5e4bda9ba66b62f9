import type { AccountModule } from '@/account/module'
import type { Feature } from '@/feature'

const modules = import.meta.glob<Feature>('../features/*/index.ts', {
  eager: true,
  import: 'default',
})

/** The features of this build, by name. Found by looking: nothing else in the core names one. */
export const features: Feature[] = Object.values(modules).sort((a, b) =>
  a.name.localeCompare(b.name),
)

/** What they add to accounts. */
export const accountModules: AccountModule[] = Object.values(
  import.meta.glob<AccountModule>('../features/*/account.ts', { eager: true, import: 'default' }),
)
