import { createCredential, type OpenedAccount } from '../accounts/credential.ts'
import { sideOf } from '../approvals/window.ts'
import type { Actor } from '../db/scope.ts'
import type { Finding, Json, Platform, Post, Sending } from '../platforms/platform.ts'
import { type Rest, restOf } from '../platforms/rest.ts'
import { partName } from '../publishing/parts.ts'
import type { Payload } from '../publishing/payload.ts'
import type { Services } from '../services.ts'
import type { ClaimedJob } from './claim.ts'
import { crashPoint } from './crash.ts'
import { knownWhenArmed, sentStep } from './direct.ts'
import { rehearsalJournal } from './journal.ts'
import { HeldBack, type holdLease, LeaseLost, OutsideWindow, Unsealed } from './lease.ts'
import {
  broke,
  heldBack,
  needsReconnect,
  outside,
  PictureChanged,
  pictureChanged,
  unsealed,
} from './refusals.ts'
import type { Ending } from './settle.ts'
import { heedCatalogue } from './uncatalogued.ts'

/** After an unclear answer we look several times: a platform may show a post a little late. */
const looksAfterMs = [0, 1_000, 3_000]
export type Lease = ReturnType<typeof holdLease>

/** What every part of a job is sent with. */
export interface Sender {
  services: Services
  actor: Actor
  job: ClaimedJob
  lease: Lease
  note(what: string): void
  /** By the database's clock, as well as it is known here. */
  now(): Date
  /** What an answer tells of the platform's limits. */
  heed(rest: Rest | null): void
  platform: Platform
  opened: OpenedAccount
  payload: Payload
  /** The server's public address, and that of the workspace's feed. */
  base: string
  feed: string
  slug: string
}

/** Sends one post, or one part of a thread. `doubtful`: it may be there already, so looking comes first. */
export async function sendPost(sender: Sender, post: Post, doubtful: boolean): Promise<Ending> {
  const { services, actor, job, lease, note, now, heed, platform, opened, payload, base, feed } = sender
  /** What a part remembers and where it may be killed is apart from that of the others. */
  const own = (name: string) => (post.part > 1 ? partName(post.part, name) : name)
  let armed = doubtful
  const steps = { ...job.steps }
  const sending: Sending = {
    async fetch(url, init) {
      const answer = await services.outbound(url, init)
      // What comes before a send (a picture, a sign-in) has limits of its own.
      if (armed) heed(restOf(answer, url))
      return answer
    },
    signal: lease.signal,
    credential: createCredential(services.db.within, actor, job.accountId, opened.secret),
    async step(name, work) {
      const known = steps[own(name)]
      if (known !== undefined) return known as never
      const value = await work()
      steps[own(name)] = value as Json
      await lease.saveStep(own(name), value)
      crashPoint(own('after-step'))
      return value
    },
    async arm() {
      crashPoint(own('before-arm'))
      const known = knownWhenArmed(steps, post.plannedAt, own)
      await lease.arm(known, payload)
      Object.assign(steps, known)
      armed = true
      note('Ready to send: written down before the call.')
      crashPoint(own('after-arm'))
    },
    get firstSent() {
      const sent = steps[own(sentStep)]
      return typeof sent === 'number' ? new Date(sent) : null
    },
    note,
    journal: rehearsalJournal(
      services,
      actor,
      job.accountId,
      `${base}/w/${sender.slug}/accounts/${job.accountId}`,
    ),
    feedUrl: jobId => `${feed}/posts/${jobId}`,
  }

  if (armed) {
    note('An earlier attempt may have sent this: looking before anything is sent.')
    const found = heedCatalogue(
      services,
      job,
      await look(services, platform, opened.account, post, sending, [0]),
      armed,
    )
    if (found.is !== 'absent') return found
    note('It is not there: sending is safe.')
    await lease.disarm()
    armed = false
    if (opened.state === 'reconnect') return { is: 'reconnect', why: needsReconnect(platform.name) }
  }
  if (job.sealed !== undefined && job.sealed !== payload.sha256) return unsealed(job)
  if (job.sealed !== undefined && sideOf(payload.window, now())) return outside(job, now())
  const answered = platform.publish(opened.account, post, sending)
  const outcome = await answered
    .then(answer => heedCatalogue(services, job, answer, armed))
    .catch((error: unknown): Ending => {
      if (error instanceof LeaseLost) throw error
      if (error instanceof Unsealed) return unsealed(job)
      if (error instanceof OutsideWindow) return outside(job, now())
      if (error instanceof PictureChanged && !armed) return { is: 'rejected', why: pictureChanged }
      if (error instanceof HeldBack) return { is: 'retry', why: heldBack, afterMs: 0 }
      services.log.error('a platform adapter broke', { platform: platform.id, job: job.id, error })
      const why = broke(platform.name, error)
      return armed ? { is: 'unconfirmed', why } : { is: 'retry', why }
    })
  crashPoint(own('after-send'))
  if (outcome.is !== 'unconfirmed') return outcome
  note('The answer was not clear: looking whether it is there.')
  const looked = await look(services, platform, opened.account, post, sending, looksAfterMs)
  const found: Finding = heedCatalogue(services, job, looked, armed)
  if (found.is !== 'absent') return found
  note('It is not there: it may be sent again.')
  await lease.disarm()
  return {
    is: 'retry',
    why: { ...outcome.why, next: 'It is sent again by itself: we looked, and it is not there.' },
  }
}

/** Looks until it finds something. A finding of `retry` means that the platform itself keeps a repeat from doubling. */
async function look(
  services: Services,
  platform: Platform,
  account: Parameters<Platform['reconcile']>[0],
  post: Post,
  sending: Sending,
  pauses: readonly number[],
): Promise<Finding> {
  let finding: Finding = { is: 'absent' }
  for (const pause of pauses) {
    if (pause > 0) await Bun.sleep(pause)
    finding = await platform.reconcile(account, post, sending).catch((error: unknown): Finding => {
      if (error instanceof LeaseLost) throw error
      // Looking broke: the job stays as it is, armed, and is looked at again.
      services.log.error('a platform adapter broke while looking', {
        platform: platform.id,
        job: post.jobId,
        error,
      })
      return { is: 'processing', afterMs: 15_000 }
    })
    if (finding.is !== 'absent') return finding
  }
  return finding
}
