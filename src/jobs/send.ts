import { createCredential } from '../accounts/credential.ts'
import { publicBase } from '../config.ts'
import type { Actor, Tenant } from '../db/scope.ts'
import { sha256 } from '../lib/canonical.ts'
import { platforms } from '../platforms/index.ts'
import type { Finding, Json, Outcome, Platform, Post, Sending } from '../platforms/platform.ts'
import { type Rest, restOf } from '../platforms/rest.ts'
import { sealBroken } from '../publishing/seals.ts'
import type { Services } from '../services.ts'
import { type ClaimedJob, mostLost } from './claim.ts'
import { crashPoint } from './crash.ts'
import { rehearsalJournal } from './journal.ts'
import { armJobs, HeldBack, holdLease, LeaseLost, Unsealed } from './lease.ts'
import { type Ending, type Note, recordOutcomes } from './record.ts'
import { restServer } from './rests.ts'
import type { Together } from './together.ts'
import { heedCatalogue } from './uncatalogued.ts'

/** An attempt as a whole ends within this; the lease is renewed meanwhile. */
const attemptMs = 120_000
/** After an unclear answer we look several times: a platform may show a post a little late. */
const looksAfterMs = [0, 1_000, 3_000]
/** Under this name an armed job remembers the moment that it was planned for when it was first sent. */
const plannedStep = 'planned-at'

/** Performs one claimed job: looks first where it must, sends where it may, and writes down how it ended. */
export async function sendJob(
  services: Services,
  together: Together,
  tenant: Pick<Tenant, 'id' | 'slug'>,
  job: ClaimedJob,
): Promise<void> {
  const { log } = services
  const lease = holdLease(
    work => together.run(tenant.id, work),
    job,
    attemptMs,
    arming => together.inSet(tenant.id, armJobs, arming),
  )
  const notes: Note[] = []
  const started = performance.now()
  // Told by the database's clock, as the attempt's own times are.
  const now = () => new Date(job.claimedAt.getTime() + performance.now() - started)
  const note = (what: string) => void notes.push({ at: now().toISOString(), what })
  let rest: Rest | null = null
  const heed = (told: Rest | null) => {
    rest = told ?? rest
  }
  try {
    const outcome =
      job.lost >= mostLost ? quarantine(job) : await attempt(services, tenant, job, lease, { note, heed })
    await restServerOf(services, rest)
    crashPoint('before-record')
    const recorded = await together.inSet(tenant.id, recordOutcomes, { job, outcome, notes, rest })
    crashPoint('after-record')
    if (recorded) {
      services.metrics.attempt(job.platform, outcome.is)
      if (job.tries === 1) services.metrics.lateness(job.late)
    }
    log.info('publish job', {
      job: job.id,
      tenant: tenant.id,
      outcome: recorded ? outcome.is : 'lease lost',
      ...('why' in outcome ? { code: outcome.why.code } : {}),
      ms: Math.round(performance.now() - started),
    })
  } catch (error) {
    // Not recorded: the lease runs out, and the next claim finds the attempt as this one has left it.
    log.error('an attempt ended without a record; it is looked at when its lease ends', {
      job: job.id,
      tenant: tenant.id,
      error,
    })
  } finally {
    lease.end()
  }
}

/** Other processes and workspaces are told by way of the database; where that fails, the next answer tells it again. */
async function restServerOf({ db, log }: Services, rest: Rest | null): Promise<void> {
  if (rest?.of !== 'server') return
  await restServer(db, rest).catch(error => log.warn('a server’s limit could not be written down', { error }))
}

/**
 * The planned moment that every attempt sees. Platforms make a post's identity of it, so once a post may have been sent
 * it stays, even when people move the job to another moment while it waits for its next try.
 */
function plannedAt({ steps, runAt }: ClaimedJob): Date {
  const first = steps[plannedStep]
  return typeof first === 'string' ? new Date(first) : runAt
}

type Lease = ReturnType<typeof holdLease>

async function attempt(
  services: Services,
  tenant: Pick<Tenant, 'id' | 'slug'>,
  job: ClaimedJob,
  lease: Lease,
  { note, heed }: { note: (what: string) => void; heed: (rest: Rest | null) => void },
): Promise<Ending> {
  let armed = job.armed
  const actor: Actor = { tenantId: tenant.id, userId: null, role: 'system' }
  if (!job.opened) return { is: armed ? 'unconfirmed' : 'rejected', why: accountGone }
  const { account: opened, draft, payload } = job.opened
  const platform = platforms[opened.platform]
  if (opened.state === 'reconnect' && !armed) return { is: 'reconnect', why: needsReconnect(platform.name) }
  const base = publicBase(services.config)
  const feed = `${base}/feed/${tenant.slug}`
  const post: Post = {
    jobId: job.id,
    contentId: job.contentId,
    text: draft.text,
    plannedAt: plannedAt(job),
    images: draft.images.map(image => ({
      ...image,
      url: `${feed}/media/${image.id}`,
      async read() {
        const bytes = await services.files.read(actor.tenantId, image.id, 'full')
        if (!bytes) throw new Error('A picture of this post is missing from the media folder')
        if (sha256(bytes) !== image.sha256) throw new PictureChanged()
        return bytes
      },
    })),
  }
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
      const known = steps[name]
      if (known !== undefined) return known as never
      const value = await work()
      steps[name] = value as Json
      await lease.saveStep(name, value)
      crashPoint('after-step')
      return value
    },
    async arm() {
      crashPoint('before-arm')
      await lease.arm({ [plannedStep]: post.plannedAt.toISOString() }, payload)
      armed = true
      note('Ready to send: written down before the call.')
      crashPoint('after-arm')
    },
    note,
    journal: rehearsalJournal(
      services,
      actor,
      job.accountId,
      `${base}/w/${tenant.slug}/accounts/${job.accountId}`,
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
  const answered = platform.publish(opened.account, post, sending)
  const outcome = await answered
    .then(answer => heedCatalogue(services, job, answer, armed))
    .catch((error: unknown): Ending => {
      if (error instanceof LeaseLost) throw error
      if (error instanceof Unsealed) return unsealed(job)
      if (error instanceof PictureChanged && !armed) return { is: 'rejected', why: pictureChanged }
      if (error instanceof HeldBack) return { is: 'retry', why: heldBack, afterMs: 0 }
      services.log.error('a platform adapter broke', { platform: platform.id, job: job.id, error })
      const why = broke(platform.name, error)
      return armed ? { is: 'unconfirmed', why } : { is: 'retry', why }
    })
  crashPoint('after-send')
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

/** Three workers died with this job in their hands: it may be what kills them. */
const quarantine = (job: ClaimedJob): Outcome => ({
  is: job.armed ? 'unconfirmed' : 'rejected',
  why: {
    code: 'broke_off',
    message: `Sending this broke off ${job.lost} times without a word, so it is not tried again by itself.`,
    next: job.armed
      ? 'Look at the account, then tell us: it is there, send it again, or give up. What broke it off is in the server’s log.'
      : 'It has not gone out. What broke it off is in the server’s log; try again when the cause is gone.',
  },
})

/** The bytes of a picture are not those that were saved, and approved. */
class PictureChanged extends Error {
  constructor() {
    super('A picture of this post is not the one that was saved')
  }
}

const pictureChanged = {
  code: 'picture_changed',
  message: 'The file of a picture is not the one that was saved: it was changed or damaged on the server.',
  next: 'Upload the picture again, put it into the post, and save. Nothing was sent.',
}

/** Nothing is sent where an approval is required and did not pin these very bytes. */
const unsealed = ({ sealed }: ClaimedJob): Ending => ({
  is: 'unsealed',
  why: {
    code: sealBroken,
    message:
      sealed === null
        ? 'Nobody has approved what this account would be sent, so nothing was sent.'
        : 'What would have gone out is not what was approved, so nothing was sent.',
    next: 'It goes out once it is approved as it is now.',
  },
})

const accountGone = {
  code: 'account_gone',
  message: 'The account or the content of this post is no longer here.',
  next: 'Connect the account again and schedule the content anew.',
}

const heldBack = {
  code: 'held_back',
  message: 'It was held back before anything was sent.',
  next: 'It goes out when it may.',
}

const needsReconnect = (name: string) => ({
  code: 'reconnect_needed',
  message: `${name} has to be connected again before this can go out.`,
  next: 'Reconnect the account: the post then goes out by itself.',
})

const broke = (name: string, error: unknown) => ({
  code: 'internal',
  message: `Something went wrong on our side while talking to ${name}.`,
  next: 'It is written in the log. The post is not sent twice.',
  raw: error instanceof Error ? error.message.slice(0, 300) : null,
})
