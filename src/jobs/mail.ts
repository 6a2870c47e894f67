import { wakeAt } from '../db/due.ts'
import type { Scope } from '../db/scope.ts'
import type { MailOutcome } from '../integrations/mail.ts'
import { openMail, type Sealed } from '../mail/outbox.ts'
import { renderLetter } from '../mail/render.ts'
import { maxTries } from '../mail/schema.ts'
import type { Services } from '../services.ts'
import { crashPoint } from './crash.ts'
import { type Claim, claimRows, type Queue, stillHeld } from './queue.ts'
import { system } from './run-record.ts'

/** For one mail from connecting to the last answer; inside its lease. */
const sendMs = 60_000
export const mailQueue: Queue = { table: 'deliveries', kind: 'mail', held: 'sending', leaseSeconds: 90 }
/** Waits between tries, in seconds: about two days in all. */
const backOff = [30, 120, 600, 1_800, 3_600, 3 * 3_600, 6 * 3_600, 12 * 3_600, 24 * 3_600]

/** A mail that this worker holds. */
export interface ClaimedMail extends Claim {
  to: string
  createdAt: Date
  /** null when it was sealed under another secret. */
  opened: Sealed | null
}

/**
 * Claims at most `most` mails that are due, and those whose worker let its lease run out. What nobody needs any more
 * (an invitation taken back, a notification answered, its mails switched off) is dropped first. Called inside the worker's
 * own transaction for the tenant.
 */
export async function claimMails(scope: Scope, most: number): Promise<ClaimedMail[]> {
  if (most <= 0) return []
  // The due row is locked: a mail that somebody has who needs that row too is left to the next time.
  await scope.sql`
    delete from deliveries where id in (
      select d.id from deliveries d
      where d.kind = 'mail' and d.state = 'waiting' and d.next_try_at <= public.clock() and not case d.purpose
        when 'notification' then exists (
          select 1 from notifications n join users u on u.id = n.user_id
          where n.id = d.subject_id and n.done_at is null and u.removed_at is null and u.by_mail
            and coalesce((u.channels -> n.kind ->> 'mail')::boolean, n.kind <> 'comment'))
        else exists (
          select 1 from invitations i
          where i.id = d.subject_id and i.used_at is null and i.expires_at > public.clock()) end
      for update of d skip locked)`
  const claims = await claimRows(scope, mailQueue, most)
  if (claims.length === 0) return []
  const rows = await scope.sql`
    select id, body->>'to' as address, sealed, tries, created_at from deliveries
    where id = any(${claims.map(({ id }) => id)}::uuid[]) order by id`
  return rows.map(row => ({
    id: row.id as string,
    to: row.address as string,
    createdAt: row.created_at as Date,
    tries: row.tries as number,
    opened: opened(scope, row.id as string, row.sealed as Uint8Array | null),
  }))
}

function opened(scope: Scope, id: string, sealed: Uint8Array | null): Sealed | null {
  try {
    return sealed && openMail(scope, id, sealed)
  } catch {
    // Said where the outcome is recorded.
    return null
  }
}

/**
 * Sends a claimed mail and records what became of it. The server is asked outside any transaction; should the process
 * die between its answer and the record, the mail goes once more when the lease ends, with the same Message-ID.
 * @throws only when the database cannot be reached; the mail then comes back when its lease ends
 */
export async function sendMail(services: Services, tenantId: string, mail: ClaimedMail): Promise<void> {
  const started = performance.now()
  const outcome = await attempt(services, mail)
  crashPoint('mail-sent')
  const recorded = await services.db.within(system(tenantId), scope => record(scope, mail, outcome))
  const fields = {
    tenant: tenantId,
    mail: mail.id,
    tries: mail.tries,
    ms: Math.round(performance.now() - started),
  }
  if (!recorded) services.log.warn('a mail was taken over by another worker', fields)
  else if (outcome.is === 'delivered') services.log.info('a mail is sent', fields)
  else services.log.warn('a mail was not taken', { ...fields, why: outcome.why })
}

async function attempt(services: Services, mail: ClaimedMail): Promise<MailOutcome> {
  if (mail.tries > maxTries)
    return { is: 'rejected', why: `Sending broke off ${maxTries} times without an answer.` }
  if (!services.mailer)
    return {
      is: 'rejected',
      why: 'Mail is not set up any more. Whoever runs Masthead sets SMTP_URL.',
    }
  if (!mail.opened)
    return {
      is: 'rejected',
      why: 'The mail cannot be opened: MASTHEAD_SECRET is not the one it was sealed with.',
    }
  const { letter, fromName } = mail.opened
  const late = Promise.withResolvers<MailOutcome>()
  const timer = setTimeout(
    () => late.resolve({ is: 'retry', why: `The mail server did not finish within ${sendMs / 1000} s.` }),
    sendMs,
  )
  try {
    const sent = services.mailer.send({
      id: mail.id,
      to: mail.to,
      fromName,
      subject: letter.subject,
      date: mail.createdAt,
      ...renderLetter(letter, fromName),
    })
    return await Promise.race([sent, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** @returns false when another worker has taken it over. What the mail said goes once it has ended. */
async function record(scope: Scope, mail: ClaimedMail, outcome: MailOutcome): Promise<boolean> {
  const { sql } = scope
  const held = stillHeld(scope, mailQueue, mail)
  const wait = outcome.is === 'retry' ? backOff[mail.tries - 1] : undefined
  if (outcome.is === 'retry' && wait !== undefined) {
    const [row] = await sql`
      update deliveries set state = 'waiting', lease_until = null, answer = ${sql.json({ words: outcome.why })},
        next_try_at = public.clock() + ${wait} * interval '1 second'
      where ${held} returning next_try_at`
    if (row) await wakeAt(scope, row.next_try_at as Date)
    return row !== undefined
  }
  const words =
    outcome.is === 'delivered'
      ? outcome.answer
      : outcome.is === 'retry'
        ? `${outcome.why} Given up after ${mail.tries} tries.`
        : outcome.why
  const rows = await sql`
    update deliveries set state = ${outcome.is === 'delivered' ? 'delivered' : 'failed'}, lease_until = null,
      answer = ${sql.json({ words })}, sealed = null, ended_at = public.clock()
    where ${held} returning id`
  return rows.length > 0
}
