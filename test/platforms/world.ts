/** What the worker hands to an adapter, kept in memory: durable steps, a credential, the rehearsal's journal. */
import sharp from 'sharp'
import { sha256 } from '../../src/lib/canonical.ts'
import { createOutbound } from '../../src/lib/fetch.ts'
import { compare, type Finding } from '../../src/platforms/compare.ts'
import type {
  Account,
  Connected,
  Json,
  Finding as Looked,
  Outcome,
  Platform,
  Post,
  PostImage,
  Sending,
} from '../../src/platforms/platform.ts'

interface Entry {
  id: string
  url: string
  text: string
  images: { id: string; alt: string }[]
}

/** Everything of one connected account; `steps` are kept per job, as the database would. */
export interface World {
  platform: Platform
  account: Account
  secret: Record<string, Json>
  fetch: Sending['fetch']
  /** Names of steps that really ran, in order. */
  ran: string[]
  armed: number
  notes: string[]
  renewals: number
  steps: Map<string, Json>
  journal: Sending['journal'] & { entries: Map<string, Entry> }
  /** Called by `arm`; a test may throw here, as a lost lease does. */
  onArm: () => void
}

export async function connectWorld(
  platform: Platform,
  typed: Record<string, Json>,
  allow: readonly string[],
): Promise<World> {
  const fetch = createOutbound({ allow })
  const settings = platform.settings.parse(typed)
  const connected = platform.connectable
    ? await platform.connect(settings, { fetch, signal: new AbortController().signal })
    : own(platform)
  return worldOf(platform, connected, fetch)
}

function own(platform: Platform): Connected {
  const { name, limits } = platform
  return { name, handle: name, remoteId: 'own', profileUrl: null, settings: {}, secret: {}, limits }
}

export function worldOf(platform: Platform, connected: Connected, fetch: Sending['fetch']): World {
  const entries = new Map<string, Entry>()
  const { handle, remoteId, settings, limits, secret } = connected
  return {
    platform,
    account: { id: 'account', handle, remoteId, settings, limits },
    secret,
    fetch,
    ran: [],
    armed: 0,
    notes: [],
    renewals: 0,
    steps: new Map(),
    onArm: () => undefined,
    journal: {
      entries,
      async arrive({ key, text, images }) {
        const entry = entries.get(key) ?? {
          id: `r${entries.size + 1}`,
          url: `http://rehearsal.test/${key}`,
          text,
          images,
        }
        entries.set(key, entry)
        return { id: entry.id, url: entry.url }
      },
      async find(key) {
        return entries.get(key) ?? null
      },
    },
  }
}

/** One attempt's tools. Each attempt reads the credential as it is sealed now. */
export function sendingOf(world: World, post: Post): Sending {
  const firstSend = `${post.jobId} ${post.part} first-send`
  return {
    fetch: world.fetch,
    signal: new AbortController().signal,
    credential: {
      current: world.secret,
      async renew(work) {
        world.renewals++
        world.secret = await work(world.secret)
        return world.secret
      },
    },
    async step<T extends Json>(name: string, work: () => Promise<T>): Promise<T> {
      const key = `${post.jobId} ${post.part} ${name}`
      if (!world.steps.has(key)) {
        const value = await work()
        world.ran.push(name)
        world.steps.set(key, JSON.parse(JSON.stringify(value)) as Json)
      }
      return world.steps.get(key) as T
    },
    async arm() {
      world.onArm()
      world.armed++
      if (!world.steps.has(firstSend)) world.steps.set(firstSend, Date.now())
    },
    get firstSent() {
      const sentAt = world.steps.get(firstSend)
      return typeof sentAt === 'number' ? new Date(sentAt) : null
    },
    note: what => world.notes.push(what),
    journal: world.journal,
    feedUrl: jobId => `http://feed.test/posts/${jobId}`,
  }
}

/** Reads a published post back, and compares it with what was sent. */
export async function readBack(world: World, post: Post, remoteId: string): Promise<Finding[] | null> {
  const { fetch, signal, credential } = sendingOf(world, post)
  const prefix = `${post.jobId} ${post.part} `
  const mine = [...world.steps].filter(([name]) => name.startsWith(prefix))
  const seen = await world.platform.readBack?.(
    world.account,
    { remoteId, images: post.images },
    {
      fetch,
      signal,
      credential,
      steps: Object.fromEntries(mine.map(([name, value]) => [name.slice(prefix.length), value])),
      own: async () => [...world.journal.entries.values()].find(({ id }) => id === remoteId) ?? null,
    },
  )
  return seen ? compare(post, seen) : null
}

export const publish = (world: World, post: Post) =>
  world.platform.publish(world.account, post, sendingOf(world, post))
export const reconcile = (world: World, post: Post) =>
  world.platform.reconcile(world.account, post, sendingOf(world, post))

/** Goes on as the worker would, without its waiting: retry sends again, unconfirmed looks, absent sends again. */
export async function settle(world: World, post: Post, first?: Outcome): Promise<Outcome> {
  let outcome: Looked = first ?? (await publish(world, post))
  for (let tries = 0; tries < 4; tries++) {
    if (outcome.is === 'retry' || outcome.is === 'absent') outcome = await publish(world, post)
    else if (outcome.is === 'unconfirmed') outcome = await reconcile(world, post)
    else return outcome
  }
  throw new Error(`did not settle: ${JSON.stringify(outcome)}`)
}

let jobs = 0
export function postOf(text: string, images: PostImage[] = [], change: Partial<Post> = {}): Post {
  jobs++
  const jobId = `01900000-0000-7000-8000-${String(jobs).padStart(12, '0')}`
  return {
    jobId,
    contentId: `content-${jobs}`,
    part: 1,
    answers: null,
    text,
    images,
    thread: [],
    firstComment: '',
    plannedAt: new Date(),
    ...change,
  }
}

/** A picture that does not compress well: noise, so that its size is real. */
export async function pictureOf(
  width = 64,
  height = 48,
  type: 'jpeg' | 'png' = 'jpeg',
  alt = 'A grey square',
): Promise<PostImage> {
  const noise = new Uint8Array(width * height * 3)
  for (let at = 0; at < noise.length; at += 65536) crypto.getRandomValues(noise.subarray(at, at + 65536))
  const image = sharp(noise, { raw: { width, height, channels: 3 } })
  const bytes = new Uint8Array(await (type === 'jpeg' ? image.jpeg() : image.png()).toBuffer())
  return {
    id: `image-${jobs}-${width}x${height}`,
    type: `image/${type}`,
    width,
    height,
    bytes: bytes.length,
    sha256: sha256(bytes),
    alt,
    url: 'https://masthead.test/media/1',
    read: async () => bytes,
  }
}
