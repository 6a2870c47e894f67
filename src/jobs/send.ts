import { publicBase } from '../config.ts'
import type { Actor, Tenant } from '../db/scope.ts'
import { sha256 } from '../lib/canonical.ts'
import { platforms } from '../platforms/index.ts'
import { taken } from '../platforms/parts.ts'
import type { Post, PostImage } from '../platforms/platform.ts'
import type { Rest } from '../platforms/rest.ts'
import { outOf } from '../publishing/parts.ts'
import type { PostDraft } from '../publishing/post.ts'
import type { Services } from '../services.ts'
import { type ClaimedJob, mostLost } from './claim.ts'
import { crashPoint } from './crash.ts'
import { plannedAt } from './direct.ts'
import { armJobs, holdLease, LeaseLost } from './lease.ts'
import { type Note, recordOutcomes } from './record.ts'
import { accountGone, needsReconnect, PictureChanged, parentUnknown, quarantine } from './refusals.ts'
import { restServer } from './rests.ts'
import { type Lease, sendPost } from './send-post.ts'
import type { Ending } from './settle.ts'
import { sendThread } from './thread.ts'
import type { Together } from './together.ts'

/** An attempt as a whole ends within this; the lease is renewed meanwhile. */
const attemptMs = 120_000

/** What a send writes with, and whom it tells. */
export interface Hands {
  /** What has to be written before it goes on. */
  together: Together
  /** How it ended: posts that are due and not yet claimed may go before that. */
  records: Together
  /** The platform has answered. */
  answered(): void
}

/** Performs one claimed job: looks first where it must, sends where it may, and writes down how it ended. */
export async function sendJob(
  services: Services,
  { together, records, answered }: Hands,
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
      job.lost >= mostLost
        ? quarantine(job)
        : await attempt(services, tenant, job, lease, { note, now, heed })
    answered()
    await restServerOf(services, rest)
    crashPoint('before-record')
    const recorded = await records.inSet(tenant.id, recordOutcomes, { job, outcome, notes, rest })
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
    if (error instanceof LeaseLost && (await takenBack(services, job, tenant.id)))
      return log.info('publish job', { job: job.id, tenant: tenant.id, outcome: 'stopped' })
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

/** Whether a brake took the job back before anything of it was sent: then its attempt has its record, and all is well. */
async function takenBack({ db }: Services, { attemptId }: ClaimedJob, tenantId: string): Promise<boolean> {
  const actor: Actor = { tenantId, userId: null, role: 'system' }
  const [attempt] = await db
    .within(actor, ({ sql }) => sql`select outcome from publish_attempts where id = ${attemptId}`, {
      readOnly: true,
    })
    .catch(() => [])
  return attempt?.outcome === 'stopped'
}

/** Other processes and workspaces are told by way of the database; where that fails, the next answer tells it again. */
async function restServerOf({ db, log }: Services, rest: Rest | null): Promise<void> {
  if (rest?.of !== 'server') return
  await restServer(db, rest).catch(error => log.warn('a server’s limit could not be written down', { error }))
}

async function attempt(
  services: Services,
  tenant: Pick<Tenant, 'id' | 'slug'>,
  job: ClaimedJob,
  lease: Lease,
  { note, now, heed }: { note: (what: string) => void; now: () => Date; heed: (rest: Rest | null) => void },
): Promise<Ending> {
  const { armed } = job
  const actor: Actor = { tenantId: tenant.id, userId: null, role: 'system' }
  if (!job.opened) return { is: armed ? 'unconfirmed' : 'rejected', why: accountGone }
  const { account: opened, draft, payload } = job.opened
  const platform = platforms[opened.platform]
  if (opened.state === 'reconnect' && !armed) return { is: 'reconnect', why: needsReconnect(platform.name) }
  const base = publicBase(services.config)
  const feed = `${base}/feed/${tenant.slug}`
  const moment = plannedAt(job)
  const pictures = (images: PostDraft['images']): PostImage[] =>
    images.map(image => ({
      ...image,
      url: `${feed}/media/${image.id}`,
      async read() {
        const bytes = await services.files.read(actor.tenantId, image.id, 'full')
        if (!bytes) throw new Error('A picture of this post is missing from the media folder')
        if (sha256(bytes) !== image.sha256) throw new PictureChanged()
        return bytes
      },
    }))
  const { text, images, thread, firstComment } = taken(draft, platform)
  if (job.firstCommentOf && job.answersTo === null)
    return { is: armed ? 'unconfirmed' : 'rejected', why: parentUnknown }
  const post: Post = {
    jobId: job.id,
    contentId: job.contentId,
    part: 1,
    answers: job.answersTo === null ? null : { root: job.answersTo, parent: job.answersTo },
    text,
    plannedAt: moment,
    images: pictures(images),
    thread: thread.map(part => ({ text: part.text, images: pictures(part.images) })),
    firstComment,
  }
  const sendOne = (part: Post, doubtful: boolean, tell = note) =>
    sendPost(
      {
        services,
        actor,
        job,
        lease,
        note: tell,
        now,
        heed,
        platform,
        opened,
        payload,
        base,
        feed,
        slug: tenant.slug,
      },
      part,
      doubtful,
    )
  const threaded = post.thread.length > 0 || outOf(job.steps).length > 0
  if (platform.thread !== 'replies' || !threaded) return sendOne(post, armed)
  return sendThread(post, {
    platform,
    account: opened.account,
    steps: job.steps,
    doubtful: armed,
    sendOne: (part, doubtful) =>
      sendOne(part, doubtful, what =>
        note(`Part ${part.part}: ${what.charAt(0).toLowerCase()}${what.slice(1)}`),
      ),
    async keep(step, out) {
      await lease.saveStep(step, { ...out })
      crashPoint(`kept:${step}`)
    },
  })
}
