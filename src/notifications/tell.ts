import { type Config, publicBase } from '../config.ts'
import type { Scope } from '../db/scope.ts'
import { newId } from '../lib/id.ts'
import { notificationLetter } from '../mail/letters.ts'
import { postMails } from '../mail/outbox.ts'
import { may, type Permission, roles } from '../permissions.ts'
import { channelsFor } from './channels.ts'
import type { Kind } from './schema.ts'

export type MailBase = Pick<Config, 'smtpUrl' | 'publicUrl' | 'host' | 'port'>
/** The scope, and whether and with which links a mail goes out too. */
export type Telling = Scope & { config: MailBase }

/**
 * One open notification a person, kind and subject, told where the person has chosen: a repeat renews the words and the
 * moment. A new one comes by mail too.
 */
export async function tell(
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
      do update set about = excluded.about, path = excluded.path, in_app = excluded.in_app, created_at = public.clock()
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

/** Closes what is open about these, for everybody or one person. */
export async function close(
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

/** Everybody whose role may do that. */
export async function peopleWho(scope: Scope, permission: Permission): Promise<string[]> {
  const able = roles.filter(role => may({ role }, permission))
  const rows = await scope.sql`
    select id from users where removed_at is null and role = any(${able}::text[]) order by id`
  return rows.map(row => row.id as string)
}

/** Who can do something about a job, and who planned it, whatever their role is now. */
export async function schedulers(scope: Scope, createdBy: string | null): Promise<string[]> {
  const able = await peopleWho(scope, 'jobs.schedule')
  return createdBy && !able.includes(createdBy) ? [...able, createdBy] : able
}
