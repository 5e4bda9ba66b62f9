import type { Feature } from '@/feature'

const modules = import.meta.glob<Feature>('../features/*/index.ts', {
  eager: true,
  import: 'default',
})

/** The features of this build, by title. Found by looking: nothing else in the core names one. */
export const features: Feature[] = Object.values(modules).sort((a, b) =>
  a.title.localeCompare(b.title),
)
