/**
 * What the page is told when it is served, not when it is built: Django fills the placeholders of
 * the data block in index.html. Vite's dev server fills nothing; the defaults here stand in.
 */
export interface Env {
  /** Where the API lives, with a final slash: a path, or a URL of another host. */
  apiRoot: string
  /** What the addresses of all pages begin with, as "/river"; empty at the root of a host. */
  basePath: string
  /** "local", "staging" or "production". */
  environment: string
  /** Those that the server speaks, the usual one first; empty where it does not say. */
  languages: string[]
  /** Whether the server tells of changes as they happen. */
  live: boolean
  /** What modules are told, by their own names for it. */
  modules: Record<string, unknown>
  /** What the project is called. */
  name: string
  version: string
}

const DEVELOPMENT: Env = {
  apiRoot: '/api/v1/',
  basePath: '',
  environment: 'local',
  languages: [],
  live: true,
  modules: {},
  name: 'Development',
  version: 'development',
}
const UNFILLED = 'VITE_APP_'

/** @throws {Error} when the block is there but is not a JSON object. */
export function parseEnv(block: string | null | undefined): Env {
  if (!block) return DEVELOPMENT
  let given: Partial<Record<keyof Env, unknown>>
  try {
    given = JSON.parse(block)
  } catch {
    throw new Error('The run-time settings in index.html (#app-env) are not JSON.')
  }
  const filled = (text: unknown) =>
    typeof text === 'string' && text && !text.startsWith(UNFILLED) ? text : undefined
  const value = (key: Exclude<keyof Env, 'languages' | 'live' | 'modules'>) =>
    filled(given[key]) ?? DEVELOPMENT[key]
  return {
    apiRoot: value('apiRoot'),
    basePath: value('basePath'),
    environment: value('environment'),
    languages: filled(given.languages)?.split(',') ?? [],
    live: given.live !== 'false',
    modules: JSON.parse(filled(given.modules) ?? '{}'),
    name: value('name'),
    version: value('version'),
  }
}

export const env = parseEnv(document.getElementById('app-env')?.textContent)

/** A name that this product alone has in a browser, where others may be at the same host. */
export function ownName(name: string): string {
  return env.apiRoot + name
}

/** The address of one of our pages for whatever is not the router: "/login" below the base. */
export function whole(path: string): string {
  return env.basePath + path
}
