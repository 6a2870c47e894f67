import { type Credential, stillGood } from '../auth/session.ts'
import type { Bus } from '../db/bus.ts'
import type { Database } from '../db/database.ts'
import type { Hint } from '../db/hints.ts'
import { TooMany, Unavailable } from '../errors.ts'
import type { Log } from '../lib/log.ts'

export const streamLimits = { user: 12, process: 5_000 } as const
/** So often each stream's session or key is looked up again. */
const checkEveryMs = 5_000
/** A stream that nobody could vouch for this long is ended. */
const unvouchedMs = 30_000
/** The server cuts a connection that is silent for 30 s, and proxies cut some at 15. */
const beatMs = 10_000
/** A page hears of a burst at most so often. */
const gatherMs = 250
/** Lines that a client has not taken yet; one that lets them pile up is cut off and catches up when it comes again. */
const mostWaiting = 256

export interface Listening {
  tenantId: string
  userId: string
  credential: Credential
  /** Pages want to know what kind of thing changed, once a burst; clients want every hint. */
  gather: boolean
}

/** The open event streams of this process: what happens in a workspace, as hints, to whoever may look at it. */
export interface Streams {
  /**
   * @param missed tells the client at once that it should look again
   * @throws TooMany when this user or process has as many as may be, Unavailable when the process is stopping
   */
  open(listening: Listening, missed: boolean): Response
  count(): number
  /** Ends all of them, and opens none any more. */
  close(): void
}

interface Stream extends Listening {
  send(text: string): void
  hear(hint: Hint): void
  end(): void
  sentAt: number
  vouchedAt: number
}

/** What ends a session or key, or may: it is looked up at once. */
const ending = /^(tenant\.changed|user\.(removed|changed|password_changed)|key\.revoked)$/

export function createStreams(db: Database, bus: Bus, log: Log): Streams {
  const byTenant = new Map<string, Set<Stream>>()
  let closed = false
  let timer: Timer | undefined
  let count = 0

  bus.subscribe({
    hints(hints) {
      for (const hint of hints) {
        const streams = byTenant.get(hint.tenantId)
        if (!streams) continue
        if (ending.test(hint.type)) void check(hint.tenantId)
        if (hint.type !== 'tenant.changed') for (const stream of streams) stream.hear(hint)
      }
    },
    missed() {
      for (const stream of all()) stream.send(event('missed', {}))
    },
  })
  const all = () => [...byTenant.values()].flatMap(streams => [...streams])

  async function check(tenantId: string): Promise<void> {
    const streams = [...(byTenant.get(tenantId) ?? [])]
    try {
      const good = await vouchedFor(db, tenantId, streams)
      const now = Date.now()
      for (const stream of streams)
        if (good.has(stream.credential.hash)) stream.vouchedAt = now
        else stream.end()
    } catch (error) {
      log.debug('the sessions of open event streams could not be looked up', { error })
      for (const stream of streams) if (Date.now() - stream.vouchedAt > unvouchedMs) stream.end()
    }
  }

  async function tick(): Promise<void> {
    // One tenant after the other: many streams must not take the pool from the requests.
    for (const tenantId of [...byTenant.keys()]) await check(tenantId)
    const now = Date.now()
    for (const stream of all()) if (now - stream.sentAt >= beatMs - checkEveryMs / 2) stream.send(stamp())
    timer = byTenant.size > 0 ? setTimeout(() => void tick(), checkEveryMs) : undefined
  }

  function add(stream: Stream): void {
    const streams = byTenant.get(stream.tenantId) ?? new Set()
    byTenant.set(stream.tenantId, streams.add(stream))
    count++
    timer ??= setTimeout(() => void tick(), checkEveryMs)
  }
  function remove(stream: Stream): void {
    const streams = byTenant.get(stream.tenantId)
    if (!streams?.delete(stream)) return
    count--
    if (streams.size === 0) byTenant.delete(stream.tenantId)
  }

  return {
    count: () => count,
    open(listening, missed) {
      if (closed) throw new Unavailable('This process is stopping. Connect again: another one answers.', 1)
      const own = [...(byTenant.get(listening.tenantId) ?? [])]
      if (own.filter(({ userId }) => userId === listening.userId).length >= streamLimits.user)
        throw new TooMany(`You have ${streamLimits.user} event streams open already. Close one first.`, 60)
      if (count >= streamLimits.process) throw new TooMany('Too many event streams are open here.', 60)
      let stream: Stream | null = null
      const body = new ReadableStream<Uint8Array>(
        {
          start(controller) {
            stream = makeStream(listening, controller, remove)
            add(stream)
            stream.send(`retry: 2000\n${event('open', {})}`)
            if (missed) stream.send(event('missed', {}))
          },
          cancel() {
            if (stream) remove(stream)
          },
        },
        { highWaterMark: mostWaiting },
      )
      return new Response(body, {
        headers: {
          'content-type': 'text/event-stream; charset=utf-8',
          'cache-control': 'no-store',
          // Else nginx gathers what should arrive at once.
          'x-accel-buffering': 'no',
        },
      })
    },
    close() {
      closed = true
      clearTimeout(timer)
      for (const stream of all()) stream.end()
    },
  }
}

function makeStream(
  listening: Listening,
  controller: ReadableStreamDefaultController<Uint8Array>,
  remove: (stream: Stream) => void,
): Stream {
  const encoder = new TextEncoder()
  const gathered = new Map<string, Hint>()
  let gathering: Timer | undefined
  let open = true
  const write = ({ type, subjectId }: Hint) => stream.send(event(topicOf(type), { id: subjectId, type }))
  const stream: Stream = {
    ...listening,
    sentAt: Date.now(),
    vouchedAt: Date.now(),
    send(text) {
      if (!open) return
      if ((controller.desiredSize ?? 1) <= 0) return stream.end()
      stream.sentAt = Date.now()
      controller.enqueue(encoder.encode(text))
    },
    hear(hint) {
      if (!listening.gather) return write(hint)
      gathered.set(topicOf(hint.type), hint)
      gathering ??= setTimeout(() => {
        gathering = undefined
        for (const one of gathered.values()) write(one)
        gathered.clear()
      }, gatherMs)
    },
    end() {
      if (!open) return
      open = false
      clearTimeout(gathering)
      remove(stream)
      try {
        controller.close()
      } catch {
        // The client went first.
      }
    },
  }
  return stream
}

/** `publish_job.published` is about a `publish_job`. */
const topicOf = (type: string): string => type.slice(0, type.indexOf('.'))

/** The last id that a client saw tells when it last heard of us. */
const stamp = (): string => `id: ${Date.now()}\n\n`
const event = (name: string, data: object): string =>
  `event: ${name}\ndata: ${JSON.stringify(data)}\n${stamp()}`

async function vouchedFor(db: Database, tenantId: string, streams: readonly Stream[]): Promise<Set<string>> {
  const [tenant] = await db.sql`select 1 from public.tenants where id = ${tenantId} and state = 'active'`
  if (!tenant) return new Set()
  return db.within(
    { tenantId, userId: null, role: 'system' },
    scope => stillGood(scope, [...new Set(streams.map(({ credential }) => credential.hash))]),
    { readOnly: true },
  )
}
