import { onScopeDispose, shallowReactive, type Component } from 'vue'

/** Something the command palette can do. It says either where to go, or what to run. */
export interface Command {
  /** The same for the same deed: where several offer it, the one that came last does it. */
  id: string
  title: string
  icon?: Component
  /** More words it is found by. */
  words?: string
  /** It acts on what is open or selected, and so it comes first. */
  here?: boolean
  /** A page of the app. */
  to?: string
  /** A URL outside of it. */
  href?: string
  run?: () => unknown
}

const sources = shallowReactive(new Set<() => Command[]>())

/** Offers commands for as long as the component lives that calls it in its setup. */
export function useCommands(source: () => Command[]): void {
  sources.add(source)
  onScopeDispose(() => sources.delete(source))
}

/** What the components that are shown offer just now. */
export function offeredCommands(): Command[] {
  return [...sources].flatMap((source) => source())
}

/** Without those that a later one stands for. */
export function withoutDoubles(commands: Command[]): Command[] {
  return [...new Map(commands.map((command) => [command.id, command])).values()]
}

/** The commands whose title or words have, for each word of a text, one that begins with it. */
export function findCommands(commands: Command[], text: string): Command[] {
  const wanted = wordsOf(text)
  return commands.filter(({ title, words }) => {
    const known = wordsOf(`${title} ${words ?? ''}`)
    return wanted.every((word) => known.some((one) => one.startsWith(word)))
  })
}

/** Without case and accents: "Löschen" is found by "losch". */
function wordsOf(text: string): string[] {
  const plain = text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase()
  return plain.split(/[^\p{L}\p{N}]+/u).filter(Boolean)
}
