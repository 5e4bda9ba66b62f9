import type { QueryClient } from '@tanstack/vue-query'

import { env, ownName } from '@/env'

import { isLive, type Events, type Handlers } from './state'

/** Without a word for so long, something on the way holds back what is said. */
const FIRST_WORD = 5000
const NEXT_WORD = 40_000
/** Pages of many people come back at different times. */
const RETRY = [4000, 12_000] as const
const SPREAD = 1500

type Name = keyof Events
type Message = { [N in Name]: { name: N; data: Events[N] } }[Name]

/**
 * Follows what the server tells, in one tab for all: a browser opens six connections to a server
 * without TLS and no more. The tab that has the stream passes everything on to the others.
 * @param isWanted whether somebody is signed in; asked before each connection.
 */
export function followEvents(client: QueryClient, handlers: Handlers, isWanted: () => boolean) {
  const tabs = new BroadcastChannel(ownName('events'))

  /**
   * Asks for what is on the page and may have changed, at a time of its own. Not for what is asked
   * for once, such as the secret that somebody is just typing off.
   */
  function refresh() {
    setTimeout(
      () => void client.refetchQueries({ type: 'active', stale: true }),
      Math.random() * SPREAD,
    )
  }

  function setLive(live: boolean) {
    if (live === isLive.value) return
    isLive.value = live
    refresh() // what happened in between, and each query by its new interval
  }

  let silence: ReturnType<typeof setTimeout>

  function take(message: Message) {
    // The tab that has the stream may be asleep, and keeps the lock.
    clearTimeout(silence)
    silence = setTimeout(() => setLive(false), NEXT_WORD)
    if (message.name === 'stream.state') setLive(message.data.live)
    else if (message.name === 'stream.reset') refresh()
    else (handlers[message.name] as ((data: unknown) => void) | undefined)?.(message.data)
  }

  function tell(message: Message) {
    take(message)
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- no window
    tabs.postMessage(message)
  }

  tabs.addEventListener('message', ({ data }) => take(data))
  const lead = () => connect(Object.keys(handlers) as Name[], tell, isWanted)
  // The lock is held until the tab closes; then the next one has it.
  if (navigator.locks) void navigator.locks.request(ownName('events'), () => lead())
  else void lead()
}

/** Keeps a stream open, for ever. */
function connect(
  names: Name[],
  tell: (message: Message) => void,
  isWanted: () => boolean,
): Promise<never> {
  let source: EventSource
  let watch: ReturnType<typeof setTimeout>

  function expect(milliseconds: number) {
    clearTimeout(watch)
    watch = setTimeout(giveUp, milliseconds)
  }

  function giveUp() {
    source.close()
    tell({ name: 'stream.state', data: { live: false } })
    openLater()
  }

  function openLater() {
    clearTimeout(watch)
    watch = setTimeout(open, RETRY[0] + Math.random() * (RETRY[1] - RETRY[0]))
  }

  function open() {
    if (!isWanted()) return openLater()
    source = new EventSource(`${env.apiRoot}events/`, { withCredentials: true })
    expect(FIRST_WORD)
    for (const name of ['stream.state', 'stream.reset', ...names] as Name[])
      source.addEventListener(name, (event) => {
        expect(NEXT_WORD)
        tell({ name, data: JSON.parse(event.data) } as Message)
      })
    source.addEventListener('error', () => {
      // Closed: refused, or no stream at all. Otherwise the browser comes back by itself.
      if (source.readyState === EventSource.CLOSED) giveUp()
      else tell({ name: 'stream.state', data: { live: false } })
    })
  }

  open()
  return new Promise(() => {})
}
