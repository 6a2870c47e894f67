import { wakeAt } from '../db/due.ts'
import type { Scope } from '../db/scope.ts'
import { Invalid } from '../errors.ts'
import { checkZone } from '../lib/time.ts'
import { quietUntil } from './quiet.ts'
import {
  type ChannelChange,
  type ChannelForm,
  type Channels,
  type Kind,
  kinds,
  type QuietHours,
  quietable,
  urgent,
} from './schema.ts'

/** What a person has chosen that differs from the default, by kind. */
type Chosen = Partial<Record<Kind, { app?: boolean; mail?: boolean }>>

/** Where a kind is told if nobody has said otherwise; comments are many. */
const byDefault = (kind: Kind) => ({ app: true, mail: kind !== 'comment' })

const holds = (chosen: Chosen, kind: Kind, channel: 'app' | 'mail'): boolean =>
  chosen[kind]?.[channel] ?? byDefault(kind)[channel]

/** The caller's own choice. */
export async function readChannels(scope: Scope): Promise<Channels> {
  const [row] = await scope.sql`
    select by_mail, channels, quiet_from, quiet_until, quiet_zone, quiet_urgent from users
    where id = ${scope.actor.userId}`
  return channelsOf(row ?? {})
}

function channelsOf(row: Record<string, unknown>): Channels {
  const chosen = (row.channels ?? {}) as Chosen
  return {
    app: kinds.filter(kind => holds(chosen, kind, 'app')),
    mail: kinds.filter(kind => holds(chosen, kind, 'mail')),
    quiet: quietOf(row),
    byMail: row.by_mail === true,
  }
}

function quietOf(row: Record<string, unknown>): QuietHours | null {
  const { quiet_from: from, quiet_until: until, quiet_zone: zone, quiet_urgent } = row
  return typeof from === 'string' && typeof until === 'string' && typeof zone === 'string'
    ? { from, until, zone, urgent: quiet_urgent === true }
    : null
}

/**
 * Changes one's own choice. Mails that wait for the end of quiet hours go by the new ones.
 * @throws Invalid, `unknown_zone` among it
 */
export async function changeChannels(scope: Scope, change: ChannelChange): Promise<Channels> {
  const { sql } = scope
  const id = scope.actor.userId
  const [row] = await sql`
    select by_mail, channels, quiet_from, quiet_until, quiet_zone, quiet_urgent from users where id = ${id} for no key update`
  const now = channelsOf(row ?? {})
  const app: readonly Kind[] = change.app ?? now.app
  const mail: readonly Kind[] = change.mail ?? now.mail
  const quiet = change.quiet === undefined ? now.quiet : checked(change.quiet)
  const chosen: Chosen = {}
  for (const kind of kinds) {
    const usual = byDefault(kind)
    const own: { app?: boolean; mail?: boolean } = {}
    if (quietable.some(one => one === kind) && app.includes(kind) !== usual.app) own.app = app.includes(kind)
    if (mail.includes(kind) !== usual.mail) own.mail = mail.includes(kind)
    if (Object.keys(own).length > 0) chosen[kind] = own
  }
  await sql`
    update users set channels = ${sql.json(chosen)}, quiet_from = ${quiet?.from ?? null},
      quiet_until = ${quiet?.until ?? null}, quiet_zone = ${quiet?.zone ?? null}, quiet_urgent = ${quiet?.urgent ?? true}
    where id = ${id}`
  await waitByNew(scope, quiet)
  return readChannels(scope)
}

/** The form's fields as a change. @throws Invalid when one of the two times is missing */
export function changeOf({ app, mail, from, until, zone, urgent: through }: ChannelForm): ChannelChange {
  const missing = 'must be given too: give both times, or none'
  if ((from === undefined) !== (until === undefined))
    throw new Invalid('Quiet hours have a beginning and an end.', [
      { path: from === undefined ? 'from' : 'until', message: missing },
    ])
  return { app, mail, quiet: from && until ? { from, until, zone: zone ?? '', urgent: through } : null }
}

function checked(quiet: QuietHours | null): QuietHours | null {
  if (!quiet) return null
  if (quiet.from === quiet.until)
    throw new Invalid('Quiet hours that begin when they end would never end.', [
      { path: 'until', message: 'must differ from the beginning' },
    ])
  return { ...quiet, zone: checkZone(quiet.zone) }
}

/** Mails that were not tried yet and wait for the end of the former quiet hours. */
async function waitByNew(scope: Scope, quiet: QuietHours | null): Promise<void> {
  const rows = await scope.sql`
    select d.id, n.kind, public.clock() as now from deliveries d join notifications n on n.id = d.subject_id
    where d.user_id = ${scope.actor.userId} and d.kind = 'mail' and d.purpose = 'notification'
      and d.state = 'waiting' and d.tries = 0 for update of d`
  for (const { id, kind, now } of rows) {
    const at = mailAt(now as Date, kind as Kind, quiet)
    await scope.sql`update deliveries set next_try_at = ${at} where id = ${id} and state = 'waiting'`
    await wakeAt(scope, at)
  }
}

/** When a mail about this may go out. */
const mailAt = (now: Date, kind: Kind, quiet: QuietHours | null): Date =>
  (quiet && !(quiet.urgent && urgent.includes(kind)) && quietUntil(now, quiet)) || now

/** Where one person is to be told of something. */
export interface Told {
  userId: string
  app: boolean
  /** null: not by mail. */
  mail: { to: string; at: Date } | null
}

/**
 * Where these people are told of a kind of thing, by their own choice. Who would be told nowhere, because mail is not
 * set up or switched off, is told on the desk.
 * @param mails whether this Masthead sends mail
 */
export async function channelsFor(
  { sql }: Scope,
  kind: Kind,
  people: readonly string[],
  mails: boolean,
): Promise<Told[]> {
  const rows = await sql`
    select id, email, by_mail, channels, quiet_from, quiet_until, quiet_zone, quiet_urgent, public.clock() as now
    from users where id = any(${[...people]}::uuid[]) and removed_at is null order by id`
  return rows.flatMap(row => {
    const chosen = row.channels as Chosen
    const wanted = { app: holds(chosen, kind, 'app'), mail: holds(chosen, kind, 'mail') }
    if (!wanted.app && !wanted.mail) return []
    const mail =
      wanted.mail && mails && row.by_mail
        ? { to: row.email as string, at: mailAt(row.now as Date, kind, quietOf(row)) }
        : null
    return [{ userId: row.id as string, app: wanted.app || mail === null, mail }]
  })
}
