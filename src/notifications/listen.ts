import { type Config, publicBase } from '../config.ts'
import type { Scope } from '../db/scope.ts'
import type { EventType, Happening, Listener } from '../events.ts'
import { warnedJobs } from '../forecast/find.ts'
import { newId } from '../lib/id.ts'
import { notificationLetter } from '../mail/letters.ts'
import { postMails } from '../mail/outbox.ts'
import { may, type Permission, roles } from '../permissions.ts'
import { platforms } from '../platforms/index.ts'
import type { PlatformId } from '../platforms/platform.ts'
import { channelsFor } from './channels.ts'
import type { Kind } from './schema.ts'

/** Writes what an event asks of whom, and closes what it has answered, in the transaction of the event. */
export function notify(config: MailBase): Listener {
  return async (scope, happenings) => {
    const telling = { ...scope, config }
    // Posts go out many at a time, and each of them only closes what was open about it.
    const published = happenings.filter(({ type }) => type === 'publish_job.published')
    if (published.length > 0)
      await close(
        scope,
        aboutJobs,
        published.map(({ subjectId }) => subjectId),
      )
    for (const happening of happenings) await reactions[happening.type]?.(telling, happening)
  }
}

type MailBase = Pick<Config, 'smtpUrl' | 'publicUrl' | 'host' | 'port'>
/** So many findings stand in the morning's mail; the page has them all. */
const mailedFindings = 10
/** What is asked about a job until it has gone out, is planned anew or called off. */
const aboutJobs: readonly Kind[] = ['failed', 'unconfirmed']
/** The scope, and whether and with which links a mail goes out too. */
type Telling = Scope & { config: MailBase }

const reactions: Partial<Record<EventType, (scope: Telling, happening: Happening) => Promise<void>>> = {
  async 'publish_job.failed'(scope, { subjectId }) {
    await close(scope, ['unconfirmed'], subjectId)
    // Who gave a job up knows that it failed, and so does everybody who was asked about it.
    if (scope.actor.userId !== null) return
    const job = await jobWords(scope, subjectId)
    if (job)
      await tell(scope, 'failed', subjectId, `/publish-jobs/${subjectId}`, {
        about: `“${job.words}” did not go out to ${job.account}.`,
        to: await schedulers(scope, job.createdBy),
      })
  },
  async 'publish_job.unconfirmed'(scope, { subjectId }) {
    await close(scope, ['failed'], subjectId)
    const job = await jobWords(scope, subjectId)
    if (job)
      await tell(scope, 'unconfirmed', subjectId, `/publish-jobs/${subjectId}`, {
        about: `Did “${job.words}” go out to ${job.account}? We could not find out.`,
        to: await schedulers(scope, job.createdBy),
      })
  },
  async 'publish_job.held'(scope, { subjectId, data }) {
    // What a brake has let go too late is told once, with the brake.
    if (data.for !== 'late' || data.from === 'brake') return
    const job = await jobWords(scope, subjectId)
    if (job)
      await tell(scope, 'failed', subjectId, `/publish-jobs/${subjectId}`, {
        about: `“${job.words}” was not sent to ${job.account}: its moment passed${data.why ? ` while ${data.why}` : ''}. It waits for your word.`,
        to: await schedulers(scope, job.createdBy),
      })
  },
  async 'publish_job.differs'(scope, { subjectId, data }) {
    const job = await jobWords(scope, subjectId)
    if (job)
      await tell(scope, 'different', subjectId, `/publish-jobs/${subjectId}`, {
        about: `“${job.words}” does not stand at ${job.account} as it was sent. ${(data.findings as string[]).join(' ')}`,
        to: await schedulers(scope, job.createdBy),
      })
  },
  'publish_job.cancelled': closeJob,
  'publish_job.scheduled': closeJob,
  'publish_job.moved': closeJob,

  async 'brake.put_on'(scope, { subjectId, data }) {
    const held = data.held as number
    const people = await peopleWho(scope, 'brakes.use')
    await tell(scope, 'brake', subjectId, '/brakes', {
      about: `${await actorName(scope)} put a brake on ${data.about}: ${data.reason} ${held === 1 ? 'One post is' : `${held} posts are`} held.`,
      to: people.filter(id => id !== scope.actor.userId),
    })
  },
  async 'brake.taken_off'(scope, { subjectId, data }) {
    await close(scope, ['brake'], subjectId)
    // Who took it off has seen the page say so; when it runs out nobody is there.
    const asks = data.asks as number
    if (!data.ranOut && asks === 0) return
    const ended = data.ranOut
      ? `The brake on ${data.about} has run out`
      : `${await actorName(scope)} took the brake off ${data.about}`
    const people = await peopleWho(scope, 'brakes.use')
    await tell(scope, 'brake', subjectId, asks > 0 ? '/publish-jobs?state=held' : '/brakes', {
      about: `${ended}: ${data.goesOut} planned again, ${asks} too late and waiting for your word.`,
      to: people.filter(id => id !== scope.actor.userId),
    })
  },

  async 'account.reconnect_needed'(scope, { subjectId }) {
    const [account] = await scope.sql`
      select name, platform, state_reason from social_accounts where id = ${subjectId}`
    if (account)
      await tell(scope, 'reconnect', subjectId, `/accounts/${subjectId}`, {
        about: `${accountName(account)} has to be connected again. ${account.state_reason ?? ''}`.trim(),
        to: await peopleWho(scope, 'accounts.manage'),
      })
  },
  'account.connected': (scope, { subjectId }) => close(scope, ['reconnect'], subjectId),
  'account.removed': (scope, { subjectId }) => close(scope, ['reconnect'], subjectId),

  async 'webhook.disabled'(scope, { subjectId, data }) {
    await tell(scope, 'webhook', subjectId, `/settings/webhooks/${subjectId}`, {
      about: `The event webhook of ${data.host} was switched off. ${data.reason}`,
      to: await peopleWho(scope, 'webhooks.manage'),
    })
  },
  async 'webhook.changed'(scope, { subjectId, data }) {
    if (data.active === true) await close(scope, ['webhook'], subjectId)
  },
  'webhook.removed': (scope, { subjectId }) => close(scope, ['webhook'], subjectId),

  async 'content.submitted'(scope, { subjectId }) {
    await close(scope, ['changes'], subjectId)
    const piece = await contentWords(scope, subjectId)
    const approvers = await peopleWho(scope, 'content.approve')
    if (piece)
      await tell(scope, 'review', subjectId, `/content/${subjectId}`, {
        about: `${await actorName(scope)} asks for your approval: “${piece.words}”`,
        to: approvers.filter(id => id !== scope.actor.userId),
      })
  },
  async 'content.changes_requested'(scope, { subjectId }) {
    await close(scope, ['review'], subjectId)
    const piece = await contentWords(scope, subjectId)
    if (piece?.createdBy)
      await tell(scope, 'changes', subjectId, `/content/${subjectId}`, {
        about: `${await actorName(scope)} asks for changes: “${piece.words}”`,
        to: [piece.createdBy].filter(id => id !== scope.actor.userId),
      })
  },
  async 'content.seal_broken'(scope, { subjectId, data }) {
    const piece = await contentWords(scope, subjectId)
    const changes = (data.changes as string[] | undefined)?.[0]
    if (piece)
      await tell(scope, 'review', subjectId, `/content/${subjectId}`, {
        about: `“${piece.words}” waits for approval again${changes ? `: since it was approved, ${changes}` : ''}.`,
        to: await peopleWho(scope, 'content.approve'),
      })
  },
  'content.approved': (scope, { subjectId }) => close(scope, ['review', 'changes'], subjectId),
  'content.withdrawn': (scope, { subjectId }) => close(scope, ['review', 'changes'], subjectId),
  'content.archived': (scope, { subjectId }) => close(scope, ['review', 'changes', 'comment'], subjectId),
  async 'content.updated'(scope, { subjectId }) {
    // New words may take a piece out of the review that they were in.
    const [piece] = await scope.sql`select state from content where id = ${subjectId}`
    if (piece && piece.state !== 'in_review') await close(scope, ['review'], subjectId)
  },

  async 'comment.created'(scope, { subjectId, data }) {
    const contentId = data.contentId as string
    const [row] = await scope.sql`
      select left(text, 200) as text, (select array_agg(distinct u.id) from users u
        where u.removed_at is null and u.id is distinct from m.user_id and (
          u.id = (select created_by from content c where c.id = m.content_id)
          or u.id in (select o.user_id from comments o where o.content_id = m.content_id))) as readers
      from comments m where m.id = ${subjectId}`
    // Who answers has read what was said before.
    if (scope.actor.userId) await close(scope, ['comment'], contentId, scope.actor.userId)
    if (row)
      await tell(scope, 'comment', contentId, `/content/${contentId}`, {
        about: `${await actorName(scope)}: “${shorten(row.text as string)}”`,
        to: (row.readers as string[] | null) ?? [],
      })
  },
  async 'forecast.made'(scope, { subjectId, data }) {
    const [red, amber] = [Number(data.red), Number(data.amber)]
    // A newer one takes the place of what the former one told; looking again by hand tells nobody anew.
    if (data.nightly || red + amber === 0)
      await scope.sql`
        update notifications set done_at = public.clock() where kind = 'forecast' and done_at is null`
    if (data.nightly && red + amber > 0)
      await tell(scope, 'forecast', subjectId, '/forecast', {
        about: forecastWords(red, amber),
        to: await peopleWho(scope, 'jobs.schedule'),
        lines: await forecastLines(scope),
      })
  },
  async 'user.removed'(scope, { subjectId }) {
    await scope.sql`
      update notifications set done_at = public.clock() where user_id = ${subjectId} and done_at is null`
  },
}

function closeJob(scope: Scope, { subjectId }: Happening): Promise<void> {
  return close(scope, aboutJobs, subjectId)
}

/**
 * One open notification a person, kind and subject, told where the person has chosen: a repeat renews the words and the
 * moment. A new one comes by mail too.
 */
async function tell(
  scope: Telling,
  kind: Kind,
  subjectId: string,
  path: string,
  { about, to, lines = [] }: { about: string; to: readonly string[]; lines?: readonly string[] },
): Promise<void> {
  if (to.length === 0) return
  const people = await channelsFor(scope, kind, to, scope.config.smtpUrl !== null)
  if (people.length === 0) return
  const ids = people.map(() => newId())
  const told = await scope.sql`
    insert into notifications (id, user_id, kind, about, path, subject_id, in_app)
    select id, user_id, ${kind}, ${about}, ${path}, ${subjectId}, in_app
    from unnest(${ids}::uuid[], ${people.map(({ userId }) => userId)}::uuid[], ${people.map(({ app }) => String(app))}::text[]::boolean[])
      as new (id, user_id, in_app)
    on conflict (user_id, kind, subject_id) where done_at is null
      do update set about = excluded.about, in_app = excluded.in_app, created_at = public.clock()
    returning id`
  const fresh = new Set(told.map(row => row.id as string))
  await mailThem(
    scope,
    people.flatMap(({ userId, mail }, at) => {
      const id = ids[at] as string
      return mail && fresh.has(id) ? [{ id, userId, ...mail }] : []
    }),
    { kind, about, path, lines },
  )
}

/** What a mail's button says. */
const labels: Record<Kind, string> = {
  failed: 'Look at the post',
  unconfirmed: 'Say whether it went out',
  reconnect: 'Connect it again',
  webhook: 'Look at the webhook',
  review: 'Read and answer',
  changes: 'See what is asked for',
  different: 'See what differs',
  comment: 'Read it',
  brake: 'Look at the brakes',
  forecast: 'Look at the forecast',
}

async function mailThem(
  scope: Telling,
  mails: readonly { id: string; userId: string; to: string; at: Date }[],
  { kind, about, path, lines }: { kind: Kind; about: string; path: string; lines: readonly string[] },
): Promise<void> {
  if (mails.length === 0) return
  const [row] = await scope.sql`select name from workspace`
  const base = `${publicBase(scope.config)}/w/${scope.tenant.slug}`
  const letter = notificationLetter({
    workspace: (row?.name as string | undefined) ?? scope.tenant.slug,
    words: about,
    lines,
    label: labels[kind],
    link: base + path,
    settings: `${base}/settings/notifications`,
  })
  await postMails(
    scope,
    mails.map(({ id, userId, to, at }) => ({
      purpose: 'notification',
      to,
      userId,
      subjectId: id,
      notBefore: at,
      letter,
    })),
  )
}

/** What the coming week looks like, in a sentence. */
function forecastWords(red: number, amber: number): string {
  const posts = (count: number) => `${count} ${count === 1 ? 'post' : 'posts'}`
  if (red === 0) return `${posts(amber)} of the next seven days ${amber === 1 ? 'needs' : 'need'} a look.`
  const also = amber > 0 ? `, and ${amber} more ${amber === 1 ? 'needs' : 'need'} a look` : ''
  return `${posts(red)} of the next seven days ${red === 1 ? 'does' : 'do'} not go out as ${red === 1 ? 'it is' : 'they are'}${also}.`
}

/** The first few of them, each with its reason and cure. */
async function forecastLines(scope: Scope): Promise<string[]> {
  const warned = await warnedJobs(scope, mailedFindings)
  return warned.map(({ job, findings }) => {
    const [first] = findings
    const at = job.local.replace('T', ' at ')
    return `${at} (${job.zone}), ${accountName({ name: job.account.name, platform: job.account.platform })}: “${shorten(job.text)}” ${first?.reason ?? ''} ${first?.cure ?? ''}`.trim()
  })
}

async function close(
  scope: Scope,
  kinds: readonly Kind[],
  about: string | readonly string[],
  of: string | null = null,
) {
  await scope.sql`
    update notifications set done_at = public.clock()
    where subject_id = any(${[about].flat()}::uuid[]) and kind = any(${kinds}::text[]) and done_at is null
      and (${of}::uuid is null or user_id = ${of}::uuid)`
}

async function peopleWho(scope: Scope, permission: Permission): Promise<string[]> {
  const able = roles.filter(role => may({ role }, permission))
  const rows = await scope.sql`
    select id from users where removed_at is null and role = any(${able}::text[]) order by id`
  return rows.map(row => row.id as string)
}

/** Who can do something about a job, and who planned it, whatever their role is now. */
async function schedulers(scope: Scope, createdBy: string | null): Promise<string[]> {
  const able = await peopleWho(scope, 'jobs.schedule')
  return createdBy && !able.includes(createdBy) ? [...able, createdBy] : able
}

async function jobWords(scope: Scope, id: string) {
  const [row] = await scope.sql`
    select left(case when j.first_comment_of is null then v.text else v.first_comment end, 200) as text, a.name, a.platform,
      (select u.id from users u where u.id = j.created_by and u.removed_at is null) as created_by
    from publish_jobs j join content_versions v on v.id = j.version_id join social_accounts a on a.id = j.account_id
    where j.id = ${id}`
  return row
    ? {
        words: shorten(row.text as string),
        account: accountName(row),
        createdBy: row.created_by as string | null,
      }
    : null
}

async function contentWords(scope: Scope, id: string) {
  const [row] = await scope.sql`
    select left(v.text, 200) as text, (select u.id from users u where u.id = c.created_by and u.removed_at is null) as created_by
    from content c join content_versions v on v.id = c.version_id where c.id = ${id}`
  return row ? { words: shorten(row.text as string), createdBy: row.created_by as string | null } : null
}

async function actorName(scope: Scope): Promise<string> {
  const [row] = scope.actor.userId
    ? await scope.sql`select name from users where id = ${scope.actor.userId}`
    : []
  return (row?.name as string | undefined) ?? 'Somebody'
}

/** `northwind (Mastodon)`; an account that is called like its platform is named once. */
function accountName({ name, platform }: { name?: string; platform?: PlatformId }): string {
  const network = platform ? platforms[platform].name : ''
  return name === network ? network : `${name} (${network})`
}

function shorten(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ')
  const characters = [...line]
  return characters.length > 70 ? `${characters.slice(0, 70).join('').trimEnd()}…` : line || 'no words'
}
