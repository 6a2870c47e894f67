import { z } from 'zod'
import type { Sql } from './pool.ts'
import type { Within } from './scope.ts'

/** That something happened, and to what: enough to look again, nothing of what it says. */
export interface Hint {
  tenantId: string
  /** An event's type, or `tenant.changed`: its address, state or keys are not what they were. */
  type: string
  subjectId: string
}

/** Called after a transaction that may have written has committed. It must not throw: what was done is done. */
export type Committed = (tenantId: string, hints: readonly Hint[]) => Promise<void>

/** `within` that tells, once the transaction has committed and before its caller goes on, what was recorded in it. */
export function telling(within: Within, committed: () => Committed | null): Within {
  return async (actor, work, options) => {
    let happened: readonly { type: string; subjectId: string }[] = []
    const value = await within(
      actor,
      scope => {
        happened = scope.happened
        return work(scope)
      },
      options,
    )
    if (!options?.readOnly)
      await committed()?.(
        actor.tenantId,
        happened.map(one => ({ tenantId: actor.tenantId, ...one })),
      )
    return value
  }
}

/** The channel on which the processes of one database tell each other. */
export const hintChannel = 'masthead_hints'

const Message = z.object({
  from: z.string(),
  hints: z.array(z.tuple([z.string(), z.string(), z.string()])),
})

/** A notification may have less than 8,000 bytes; fifty hints have about 6,000. */
export const hintsAMessage = 50

export function writeMessage(from: string, hints: readonly Hint[]): string {
  return JSON.stringify({ from, hints: hints.map(hint => [hint.tenantId, hint.type, hint.subjectId]) })
}

/** @returns null for what is no message of ours: anybody with a login may write to a channel */
export function readMessage(text: string): { from: string; hints: Hint[] } | null {
  try {
    const { from, hints } = Message.parse(JSON.parse(text))
    return { from, hints: hints.map(([tenantId, type, subjectId]) => ({ tenantId, type, subjectId })) }
  } catch {
    return null
  }
}

/** Tells every process that what it remembers of a tenant is old; by way of the database, so that commands can too. */
export async function tellTenantChanged(owner: Sql, tenantId: string): Promise<void> {
  const hint = { tenantId, type: 'tenant.changed', subjectId: tenantId }
  await owner`select pg_notify(${hintChannel}, ${writeMessage('command', [hint])})`
}
