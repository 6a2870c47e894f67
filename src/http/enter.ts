import { type Credential, readVisit, type Visit } from '../auth/session.ts'
import type { Scope } from '../db/scope.ts'
import { Unauthenticated } from '../errors.ts'
import type { Services } from '../services.ts'
import { refuseSuspended, type Serves } from './standing.ts'

/**
 * Opens the tenant that a token names, for whoever it names. Who is there is always asked of the primary, so that a
 * sign-out, a removal or a lesser role acts at once and everywhere; what a read shows may come from the replica.
 * Without a replica, and for every write, both are one transaction.
 *
 * @param at `serves` says whom it lets in while the workspace is suspended
 * @throws Unauthenticated when the session or key is over, Suspended
 */
export async function enter<T>(
  { db, replica, serves }: Pick<Services, 'db' | 'replica'> & { serves: Serves },
  tenantId: string,
  credential: Credential,
  readOnly: boolean,
  work: (scope: Scope, visit: Visit) => Promise<T>,
): Promise<{ value: T; visit: Visit }> {
  try {
    return await open()
  } catch (error) {
    // A key or session of a tenant that is gone proves nothing.
    if (!(await db.tenantById(tenantId))) throw new Unauthenticated()
    throw error
  }

  async function open(): Promise<{ value: T; visit: Visit }> {
    const stranger = { tenantId, userId: null, role: 'reviewer' } as const
    const known = ({ user }: Visit) => ({ tenantId, userId: user.id, role: user.role })
    const admit = async (scope: Scope): Promise<Visit> => {
      const visit = await readVisit(scope, credential)
      refuseSuspended(scope, visit, serves)
      return visit
    }
    if (readOnly && replica?.offers()) {
      const visit = await db.within(stranger, admit, { readOnly })
      const read = await replica.read(known(visit), scope => work(scope, visit))
      const value = read
        ? read.value
        : await db.within(known(visit), scope => work(scope, visit), { readOnly })
      return { value, visit }
    }
    return db.within(
      stranger,
      async scope => {
        const visit = await admit(scope)
        return { value: await work({ ...scope, actor: known(visit) }, visit), visit }
      },
      { readOnly },
    )
  }
}
