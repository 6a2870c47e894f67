import { wakeAt } from '../db/due.ts'
import type { Scope } from '../db/scope.ts'
import { newId } from '../lib/id.ts'
import { mailWords, openFor, sealFor } from '../tenants/sealed.ts'
import type { Letter, Purpose } from './schema.ts'

/** A mail to be written down. */
export interface Posting {
  purpose: Purpose
  to: string
  /** The login it is for; null for somebody who has none yet. */
  userId: string | null
  /** The invitation, reset link or notification that it brings: when that is over before the mail goes, it does not go. */
  subjectId: string
  /** It does not go before this moment. */
  notBefore?: Date
  letter: Letter
}

/** What the worker needs to send it. */
export interface Sealed {
  fromName: string
  letter: Letter
}

/**
 * Puts mails into the outbox, in the transaction of what they are about: they go out when it commits, or later, and only then.
 * Callers ask before whether mail is set up. Their words are sealed, because they hold links that open doors.
 */
export async function postMails(scope: Scope, postings: readonly Posting[]): Promise<void> {
  if (postings.length === 0) return
  const [workspace] = await scope.sql`select name from workspace`
  const fromName = (workspace?.name as string | undefined) ?? scope.tenant.slug
  let due: Date | null = null
  for (const { purpose, to, userId, subjectId, notBefore, letter } of postings) {
    const id = newId()
    const words = JSON.stringify({ fromName, letter } satisfies Sealed)
    const sealed = sealFor(scope.tenant, mailWords, { id }, words)
    const [made] = await scope.sql`
      insert into deliveries (id, kind, purpose, state, body, user_id, subject_id, sealed, next_try_at)
      values (${id}, 'mail', ${purpose}, 'waiting', ${scope.sql.json({ to, subject: letter.subject })}, ${userId},
        ${subjectId}, ${sealed}, greatest(public.clock(), ${notBefore ?? null}::timestamptz))
      returning next_try_at`
    const at = made?.next_try_at as Date | undefined
    if (at && (!due || at < due)) due = at
  }
  if (due) await wakeAt(scope, due)
}

/** @throws when it was sealed under another secret */
export const openMail = (scope: Scope, id: string, sealed: Uint8Array): Sealed =>
  JSON.parse(openFor(scope.tenant, mailWords, { id }, sealed).toString()) as Sealed
