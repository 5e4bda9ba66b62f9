import { expect, test } from 'vitest'

import { features } from './features'

/**
 * Each layer may use those after it, never those before it. A feature may use of another what that
 * one offers in its `public.ts`.
 */
const LAYERS = [
  'app',
  'features',
  'account',
  'crud',
  'processing',
  'ui',
  'composables',
  'api',
  'i18n',
]

const sources = import.meta.glob<string>('../**/*.{ts,vue}', {
  query: '?raw',
  import: 'default',
  eager: true,
})

interface Import {
  file: string
  target: string
}

/** Paths below src/, whether they were written "@/…" or relative. */
const imports: Import[] = Object.entries(sources).flatMap(([path, text]) => {
  const file = new URL(path, 'file:///src/app/').pathname.slice('/src/'.length)
  return [...text.matchAll(/(?:from|import|import\()\s*'((?:@\/|\.)[^']+)'/g)].map(([, name]) => {
    const base = name!.startsWith('@/') ? 'file:///src/' : `file:///src/${file}`
    const target = new URL(name!.replace('@/', ''), base).pathname.slice('/src/'.length)
    return { file, target }
  })
})

const layer = (path: string) => LAYERS.indexOf(path.split('/')[0]!)
const isFeature = (path: string) => path.startsWith('features/')
const inside = (path: string) => path.split('/')[1]

test('the imports are found', () => {
  expect(imports).toContainEqual({ file: 'app/router.ts', target: 'account/session' })
})

test('a layer uses only those below it', () => {
  const upward = imports.filter(
    ({ file, target }) => layer(file) >= 0 && layer(target) >= 0 && layer(target) < layer(file),
  )
  expect(upward).toEqual([])
})

test('nothing but a feature itself names a feature, past its public.ts', () => {
  const named = imports.filter(
    ({ file, target }) =>
      isFeature(target) &&
      !(
        isFeature(file) &&
        (inside(file) === inside(target) || /^\w+\/\w+\/public(\.ts)?$/.test(target))
      ),
  )
  expect(named).toEqual([])
})

test('each feature lives at the address that its folder is called', () => {
  const folders = Object.keys(sources)
    .filter((path) => /^\.\.\/features\/[^/]+\/index\.ts$/.test(path))
    .map((path) => path.split('/')[2])
  expect(features.map(({ name }) => name).sort()).toEqual(folders.sort())
})

test('a class of a stylesheet comes with the component that uses it', () => {
  const sheets = import.meta.glob<string>('../**/*.css', {
    query: '?raw',
    import: 'default',
    eager: true,
  })
  const folder = (path: string) => path.slice(0, path.lastIndexOf('/') + 1)
  const names = (path: string) =>
    [...sheets[path]!.matchAll(/^\s*\.([a-z][\w-]*)/gm)].map(([, name]) => name!)
  const everywhere = names('../style.css')
  expect(everywhere).toContain('select')
  const missing = Object.keys(sheets).flatMap((sheet) => {
    const own = names(sheet).filter((name) => !everywhere.includes(name))
    return Object.entries(sources)
      .filter(([path, text]) => {
        const brought = path.startsWith(folder(sheet)) || text.includes(sheet.slice('../'.length))
        const used = [...text.matchAll(/\bclass="([^"]*)"/g)].flatMap(([, list]) =>
          list!.split(' '),
        )
        return !brought && used.some((name) => own.includes(name))
      })
      .map(([path]) => `${path} does not import ${sheet}`)
  })
  expect(missing).toEqual([])
})
