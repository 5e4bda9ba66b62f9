/**
 * How much a visitor downloads, against what we allow: `npm run build && npm run budget`.
 *
 * The core's budgets are below. A feature may add its own in src/features/<name>/budget.json:
 * [{ "name", "entry": a source file that is loaded lazily, "kind": "js" | "css", "limit": KiB }].
 * Such a chunk must not be reached by a static import from anything but itself.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { brotliCompressSync, constants } from 'node:zlib'

const DIST = new URL('../dist/', import.meta.url)
const FEATURES = new URL('../src/features/', import.meta.url)
/** KiB of the first page for the menu entry and the addresses of each feature after the first. */
const PER_FEATURE = 0.25

const manifest = readManifest()
const first = closure(['index.html'])
const features = existsSync(FEATURES) ? readdirSync(FEATURES) : []
const inMenu = features.filter((name) => existsSync(new URL(`${name}/index.ts`, FEATURES)))

const rows = [
  measure('first page, JS', 'js', 66 + PER_FEATURE * Math.max(0, inMenu.length - 1), [
    ...first.js,
    largestMessages(),
  ]),
  measure('first page, CSS', 'css', 8, first.css),
  ...featureBudgets().map(({ name, entry, kind, limit }) => {
    const before = closure(['index.html', ...importers(entry)])[kind]
    const added = closure([entry])[kind].filter((file) => !before.includes(file))
    return measure(name, kind, limit, added)
  }),
]
const faults = [
  ...rows
    .filter(({ size, limit }) => size > limit)
    .map(({ name, size, limit }) => `${name}: ${size.toFixed(1)} KiB, allowed are ${limit}.`),
  ...featureBudgets().flatMap(({ name, entry }) => eagerImports(name, entry)),
]

console.log(`${'budget'.padEnd(28)}${'brotli KiB'.padStart(12)}${'limit'.padStart(8)}   files`)
for (const { name, size, limit, files } of rows) {
  console.log(
    `${name.padEnd(28)}${size.toFixed(1).padStart(12)}${String(limit).padStart(8)}   ${files}`,
  )
}
for (const fault of faults) console.error(`Over budget. ${fault}`)
process.exitCode = faults.length ? 1 : 0

function readManifest() {
  try {
    return JSON.parse(readFileSync(new URL('.vite/manifest.json', DIST), 'utf8'))
  } catch {
    console.error('There is no build to measure. Run `npm run build` first.')
    process.exit(1)
  }
}

/** Everything that is loaded when these modules are: their files and those they import at once. */
function closure(entries) {
  const chunks = new Set()
  const visit = (name) => {
    if (chunks.has(name)) return
    if (!manifest[name]) throw new Error(`The build has no chunk for ${name}.`)
    chunks.add(name)
    for (const next of manifest[name].imports ?? []) visit(next)
  }
  entries.forEach(visit)
  const found = [...chunks].map((name) => manifest[name])
  return {
    chunks,
    js: [...new Set(found.map((chunk) => chunk.file))],
    css: [...new Set(found.flatMap((chunk) => chunk.css ?? []))],
  }
}

/** Of all files together, each compressed on its own, as they are sent. */
function measure(name, kind, limit, files) {
  const bytes = files
    .map((file) => readFileSync(new URL(file, DIST)))
    .map((content) =>
      brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
    )
    .reduce((sum, content) => sum + content.length, 0)
  return { name, kind, limit, size: bytes / 1024, files: files.length }
}

/** What the first page says, in the language that needs most for it: one is loaded. */
function largestMessages() {
  const files = Object.values(manifest).map(({ file }) => file)
  const size = (file) => readFileSync(new URL(file, DIST)).length
  return files
    .filter((file) => /\/messages-\w+?-/.test(file))
    .toSorted((a, b) => size(b) - size(a))[0]
}

function featureBudgets() {
  return features
    .map((name) => new URL(`${name}/budget.json`, FEATURES))
    .filter((file) => existsSync(file))
    .flatMap((file) => JSON.parse(readFileSync(file, 'utf8')))
}

/** The pages that load a chunk lazily. */
function importers(entry) {
  return Object.keys(manifest).filter((name) => manifest[name].dynamicImports?.includes(entry))
}

/** A chunk with those that it loads when they are wanted, and so on: all of them come after it. */
function withLater(entry, found = []) {
  if (found.includes(entry)) return found
  found.push(entry)
  for (const next of manifest[entry].dynamicImports ?? []) withLater(next, found)
  return found
}

/** Chunks that would pull a lazy one in with them. */
function eagerImports(name, entry) {
  const own = withLater(entry)
  return Object.keys(manifest)
    .filter((other) => !own.includes(other) && closure([other]).chunks.has(entry))
    .map((other) => `${name}: ${other} loads it at once, so it is not lazy any more.`)
}
