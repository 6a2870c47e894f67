import type Redis from 'ioredis'
import type { Log } from '../lib/log.ts'
import { type Hint, hintChannel, hintsAMessage, readMessage, writeMessage } from './hints.ts'
import type { Heard, Neighbours } from './neighbours.ts'

/** Hints are gathered for so long before they are sent to other processes: a burst is one message. */
const gatherMs = 15

/** Where hints are heard: this process's own at once, those of the others by Redis or by PostgreSQL. */
export interface Bus {
  /** Never fails and never waits. A hint that is lost costs a page its freshness, nothing else. */
  publish(hints: readonly Hint[]): void
  subscribe(listener: Heard): () => void
  /** What another process, or a connection that was lost, says to the listeners here. */
  heard: Heard
  /** From now on hints go to other processes too: over Redis, and where it does not answer, over the database. */
  connect(neighbours: Neighbours, id: string): void
  /** Tells the others what they do not know yet. */
  close(): Promise<void>
}

export function createBus(redis: Redis | null, log: Log): Bus {
  const listeners = new Set<Heard>()
  const waiting: Hint[] = []
  let timer: Timer | undefined
  let others: { neighbours: Neighbours; id: string } | null = null
  let subscriber: Redis | null = null
  let said = false

  const heard: Heard = {
    hints(hints) {
      if (hints.length > 0) for (const listener of listeners) listener.hints(hints)
    },
    missed() {
      for (const listener of listeners) listener.missed()
    },
  }

  async function send(hints: readonly Hint[]): Promise<void> {
    if (!others) return
    const { neighbours, id } = others
    try {
      if (redis) return void (await redis.publish(hintChannel, writeMessage(id, hints)))
    } catch {
      // Its own warning is given by the client; meanwhile the database carries the hints.
    }
    if (neighbours.aloneSince() !== null) return
    try {
      await neighbours.tell(hints)
      said = false
    } catch (error) {
      if (!said) log.warn('the other processes could not be told what happened', { error })
      said = true
    }
  }

  async function flush(): Promise<void> {
    timer = undefined
    const sent: Promise<void>[] = []
    while (waiting.length > 0) sent.push(send(waiting.splice(0, hintsAMessage)))
    await Promise.all(sent)
  }

  return {
    heard,
    publish(hints) {
      if (hints.length === 0) return
      heard.hints(hints)
      if (!others) return
      waiting.push(...hints)
      timer ??= setTimeout(() => void flush(), gatherMs)
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    connect(neighbours, id) {
      others = { neighbours, id }
      if (redis) subscriber = listenOn(redis, id, heard)
    },
    async close() {
      clearTimeout(timer)
      await flush()
      others = null
      subscriber?.disconnect()
    },
  }
}

/** A connection of its own, which Redis asks for; it subscribes again by itself after each loss. */
function listenOn(redis: Redis, id: string, heard: Heard): Redis {
  const subscriber = redis.duplicate({ enableOfflineQueue: true, maxRetriesPerRequest: null })
  let before = false
  subscriber.on('error', () => {})
  subscriber.on('ready', () => {
    if (before) heard.missed()
    before = true
  })
  subscriber.on('message', (_, text) => {
    const message = readMessage(text)
    if (message && message.from !== id) heard.hints(message.hints)
  })
  subscriber.subscribe(hintChannel).catch(() => {})
  return subscriber
}
