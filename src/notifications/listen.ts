import { type Config, publicBase } from '../config.ts'
import type { Scope } from '../db/scope.ts'
import type { EventType, Happening, Listener } from '../events.ts'
import { newId } from '../lib/id.ts'
import { notificationLetter } from '../mail/letters.ts'
import { postMails } from '../mail/outbox.ts'
import { may, type Permission, roles } from '../permissions.ts'
import { platforms } from '../platforms/index.ts'
import type { PlatformId } from '../platforms/platform.ts'
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
  async 'user.removed'(scope, { subjectId }) {
    await scope.sql`
      update notifications set done_at = public.clock() where user_id = ${subjectId} and done_at is null`
  },
}

function closeJob(scope: Scope, { subjectId }: Happening): Promise<void> {
  return close(scope, aboutJobs, subjectId)
}

/** One open notification a person, kind and subject: a repeat renews the words and the moment. A new one comes by mail too. */
async function tell(
  scope: Telling,
  kind: Kind,
  subjectId: string,
  path: string,
  { about, to }: { about: string; to: readonly string[] },
): Promise<void> {
  if (to.length === 0) return
  const ids = to.map(() => newId())
  const told = await scope.sql`
    insert into notifications (id, user_id, kind, about, path, subject_id)
    select id, user_id, ${kind}, ${about}, ${path}, ${subjectId}
    from unnest(${ids}::uuid[], ${to}::uuid[]) as new (id, user_id)
    on conflict (user_id, kind, subject_id) where done_at is null
      do update set about = excluded.about, created_at = public.clock()
    returning id`
  const fresh = told.map(row => row.id as string).filter(id => ids.includes(id))
  if (kind !== 'comment' && scope.config.smtpUrl) await mailThem(scope, fresh, kind)
}

/** What a mail's button says. */
const labels: Record<Exclude<Kind, 'comment'>, string> = {
  failed: 'Look at the post',
  unconfirmed: 'Say whether it went out',
  reconnect: 'Connect it again',
  review: 'Read and answer',
  changes: 'See what is asked for',
  different: 'See what differs',
  brake: 'Look at the brakes',
}

async function mailThem(
  scope: Telling,
  notifications: readonly string[],
  kind: Exclude<Kind, 'comment'>,
): Promise<void> {
  const rows = await scope.sql`
    select n.id, n.user_id, n.about, n.path, u.email, (select name from workspace) as workspace
    from notifications n join users u on u.id = n.user_id
    where n.id = any(${notifications}::uuid[]) and u.removed_at is null and u.by_mail order by n.id`
  const base = `${publicBase(scope.config)}/w/${scope.tenant.slug}`
  await postMails(
    scope,
    rows.map(row => ({
      purpose: 'notification',
      to: row.email as string,
      userId: row.user_id as string,
      subjectId: row.id as string,
      letter: notificationLetter({
        workspace: row.workspace as string,
        words: row.about as string,
        label: labels[kind],
        link: base + row.path,
        settings: `${base}/settings#mail`,
      }),
    })),
  )
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
