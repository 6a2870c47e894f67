/**
 * What a platform adapter is: facts about the platform as data, and the few calls the worker, the composer and the
 * accounts noun make. An adapter never sees the database or a session; everything it needs is handed in.
 */
import type { z } from 'zod'
import type { Outbound } from '../lib/fetch.ts'
import type { Draft } from './misfit.ts'

export const platformIds = ['feed', 'rehearsal', 'bluesky', 'mastodon', 'webhook'] as const
export type PlatformId = (typeof platformIds)[number]

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** What a platform takes, as data: read by the composer's counters, the API, the schedule check and the worker alike. */
export interface Limits {
  text: {
    max: number
    /** How `lib/text` counts: `graphemes` (Bluesky), `mastodon` (graphemes, link = `linkLength`, mention without domain), `characters`. */
    count: 'graphemes' | 'mastodon' | 'characters'
    /** Upper bound of UTF-8 bytes beside `max`, where the platform has one. */
    maxBytes?: number
    /** What a link counts as, where the platform shortens links. */
    linkLength?: number
  }
  images: {
    max: number
    /** The largest file taken from the media library. */
    maxBytes: number
    /** The platform's own cap, where it is smaller: the adapter makes the picture fit before the upload. */
    shrinkToBytes?: number
    /** The platform's cap of width × height, handled in the same way. */
    shrinkToPixels?: number
    maxAlt: number
    types: readonly string[]
  }
}

/**
 * One failure in words: what happened and what to do next. `code` is an entry of the platform's catalogue; `raw` is the
 * platform's answer, tokens removed.
 */
export interface Failure {
  code: string
  message: string
  next: string
  raw?: Json
  /** The platform's own name for an answer that the catalogue does not have. */
  unknown?: string
}

/** The few ends an attempt can have; the worker turns each into a job state. */
export type Outcome =
  | { is: 'published'; remoteId: string; remoteUrl: string | null }
  /** Accepted and still being worked on over there: ask `reconcile` again after `afterMs`. */
  | { is: 'processing'; afterMs: number }
  /**
   * May be sent again, not before `afterMs` (default: the worker's back-off), because it is certainly not published or,
   * with `perhaps`, because the platform knows a repeat: then it may be there, and must not be called cancelled or failed.
   */
  | { is: 'retry'; why: Failure; afterMs?: number; perhaps?: true }
  | { is: 'rejected'; why: Failure }
  | { is: 'reconnect'; why: Failure }
  | { is: 'unconfirmed'; why: Failure }

/** What looking afterwards can tell; `absent` means: looked in the right place, it is not there, sending is safe. */
export type Finding = Outcome | { is: 'absent' }

export interface PostImage {
  id: string
  type: string
  width: number
  height: number
  bytes: number
  /** Of the library's bytes, in hexadecimal; what `read` gives has it. */
  sha256: string
  alt: string
  /** Public address of the picture on our own server. */
  url: string
  read(): Promise<Uint8Array>
}

/** The post that another one answers: a part of a thread the part before it, a first comment its post. */
export interface Answered {
  /** The remote id of the post directly above. */
  parent: string
  /** The remote id of the first post of all. */
  root: string
}

/** One version of one content as one account sends it; frozen, so every attempt of a job sees the same bytes. */
export interface Post {
  jobId: string
  contentId: string
  /** Which part of a thread it is, from 1; the worker gives the parts one by one where `thread` is `replies`. */
  part: number
  /** null for a post that stands by itself, and for the first part of a thread. */
  answers: Answered | null
  text: string
  images: PostImage[]
  /** The parts after this one, and the first comment ('' for none), where the platform takes the post as a whole. */
  thread: { text: string; images: PostImage[] }[]
  firstComment: string
  /** The planned moment; the same for every attempt. */
  plannedAt: Date
}

/** A connected account, opened: `secret` is unsealed just for this call. */
export interface Account {
  id: string
  handle: string
  remoteId: string
  settings: Record<string, Json>
  limits: Limits
}

/** The account's credential. `renew` runs `work` at most once at a time per account and seals its answer before returning it. */
export interface Credential {
  current: Record<string, Json>
  renew(work: (current: Record<string, Json>) => Promise<Record<string, Json>>): Promise<Record<string, Json>>
}

/** The rehearsal network's memory, kept by the worker's side. */
export interface Journal {
  /** Notes the post as arrived, once per `key`; a repeat returns the first. */
  arrive(entry: {
    key: string
    text: string
    images: { id: string; alt: string }[]
  }): Promise<{ id: string; url: string }>
  find(key: string): Promise<{ id: string; url: string } | null>
}

export interface Tools {
  fetch: Outbound
  signal: AbortSignal
}

export interface Sending extends Tools {
  credential: Credential
  /** Runs `work` once for this job and remembers its answer durably; a resumed attempt gets the remembered answer. */
  step<T extends Json>(name: string, work: () => Promise<T>): Promise<T>
  /** Writes down that the next call may publish. Throws when the lease is gone; then nothing may be sent. */
  arm(): Promise<void>
  /** When an attempt first wrote that down, by this server's clock; null before the first. */
  readonly firstSent: Date | null
  /** A line for the attempt's timeline; never a token or the post's text. */
  note(what: string): void
  journal: Journal
  /** Address of a published job on the workspace's own feed. */
  feedUrl(jobId: string): string
}

/** A post that is out, as it was sent. */
export interface Published {
  remoteId: string
  images: readonly Omit<PostImage, 'url' | 'read'>[]
}

export interface Looking extends Pick<Sending, 'fetch' | 'signal' | 'credential'> {
  /** What the steps of publishing remembered. */
  steps: Readonly<Record<string, Json>>
  /** The post where it stands on our own server: on the feed, or in the rehearsal network's journal. */
  own(): Promise<{ text: string; images: { id: string; alt: string }[] } | null>
}

/** What stands there of a post, as far as the platform tells. */
export interface Seen {
  text: string
  /** `sent`: the very bytes of the library. `reencoded`: the picture that we uploaded, in bytes of its own. */
  images: { alt: string; picture: 'sent' | 'reencoded' | 'other' }[]
  /** What the platform does to every post that it shows, as far as it shows in this one; in sentences. */
  notes: string[]
}

/** What `connect` found out; `secret` is sealed by the caller and never shown, `settings` may be shown. */
export interface Connected {
  name: string
  handle: string
  remoteId: string
  profileUrl: string | null
  settings: Record<string, Json>
  secret: Record<string, Json>
  limits: Limits
  /** Shown once to the person who connects (the webhook's signing secret). */
  reveal?: Record<string, string>
}

/** What a platform tells of the time ahead; each part only where it tells. */
export interface Outlook {
  /** What it takes by now, where that may differ from what it took when the account was connected. */
  limits?: Limits
  /** Why every post would be refused as things stand. */
  refuses?: Failure
  /** How many calls are left until the window opens anew. */
  left?: { calls: number; until: Date }
}

export type Counts = Partial<Record<'likes' | 'reposts' | 'replies' | 'quotes', number>>

/** One field of the connect form. */
export interface SettingField {
  name: string
  label: string
  type: 'text' | 'password' | 'url' | 'number' | 'select'
  placeholder?: string
  hint?: string
  options?: readonly { value: string; label: string }[]
  required: boolean
}

export interface Platform {
  id: PlatformId
  name: string
  /** One sentence for the "connect an account" page. */
  about: string
  /** Lucide icon name. */
  icon: string
  limits: Limits
  /**
   * The version of what it makes of a post. Raise it with every change of what is sent for the same post: an approval
   * holds for one form.
   */
  form: number
  /**
   * How a repeated send is kept from doubling: `key` (the platform dedupes), `identity` (we choose the id),
   * `journal` (ours), `receiver` (the receiver dedupes on our id).
   */
  repeat: 'key' | 'identity' | 'journal' | 'receiver'
  /**
   * What becomes of a post's further parts and its first comment: `replies` are posts that answer each other, sent one
   * by one; `joined` makes one post of all; `list` hands them over as they are, in one send.
   */
  thread: 'replies' | 'joined' | 'list'
  /** Whether people connect it (the feed is there from the start). */
  connectable: boolean
  settings: z.ZodType<Record<string, Json>>
  fields: readonly SettingField[]
  /** Proves the credentials work. Throws `ConnectionFailed` with a sentence that says why not. Nothing is saved here. */
  connect(settings: Record<string, Json>, tools: Tools): Promise<Connected>
  /** Asks whether the account still works; throws `ConnectionFailed` with `final: true` when the platform has revoked it. */
  check(account: Account, sending: Pick<Sending, 'fetch' | 'signal' | 'credential'>): Promise<void>
  publish(account: Account, post: Post, sending: Sending): Promise<Outcome>
  /**
   * Whether `publish` arms before it calls or remembers anything: such a post is armed in the commit that claims it. Not
   * said: it never is.
   */
  direct?(account: Account, post: Draft): boolean
  /** Looks, without sending anything, whether an armed attempt went out. */
  reconcile(account: Account, post: Post, sending: Sending): Promise<Finding>
  /**
   * What stands there of a published post, where the platform lets us read it; null when nothing does.
   * @throws Error when the platform cannot be asked just now
   */
  readBack?(account: Account, published: Published, looking: Looking): Promise<Seen | null>
  /** How many posts an account may publish in so many hours, as its documentation says. */
  quota?: { posts: number; hours: number }
  /** Asks, without sending anything, what the platform tells of the time ahead. Throws `ConnectionFailed` as `check` does. */
  outlook?(account: Account, sending: Pick<Sending, 'fetch' | 'signal' | 'credential'>): Promise<Outlook>
  /** Counts for one published post, where the platform gives them. */
  metrics?(
    account: Account,
    remoteId: string,
    sending: Pick<Sending, 'fetch' | 'signal' | 'credential'>,
  ): Promise<Counts | null>
}

/** Connecting did not work. `final`: the platform said no, as against being out of reach for a moment. */
export class ConnectionFailed extends Error {
  constructor(
    message: string,
    readonly final = true,
  ) {
    super(message)
  }
}
