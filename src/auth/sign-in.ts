import type { Database } from '../db/database.ts'
import type { Tenant } from '../db/scope.ts'
import { Unauthenticated } from '../errors.ts'
import { verifyPassword } from './password.ts'
import { startSession } from './session.ts'

export interface SignedIn {
  tenant: Tenant
  userId: string
  /** The secret half of the new session. */
  token: string
}

/** A person's workspaces are few; more entries than this for one address are not tried. */
const mostWorkspaces = 5

const refused = () =>
  new Unauthenticated('The mail address or the password is not right. Check both and try again.')

/**
 * Signs in with mail address and password, into `slug` or into every workspace where the address and password fit.
 * The answer is the same, and takes as long, whether the address is known or not.
 * @throws Unauthenticated
 */
export async function signIn(
  db: Database,
  given: { email: string; password: string; slug?: string | undefined },
  door: 'page' | 'api',
  agent: string,
): Promise<[SignedIn, ...SignedIn[]]> {
  const found: SignedIn[] = []
  const tenants = await workspacesOf(db, given.email, given.slug)
  for (const tenant of tenants) {
    const actor = { tenantId: tenant.id, userId: null, role: 'system' } as const
    const user = await db.within(actor, async ({ sql }) => {
      const [row] =
        await sql`select id, password_hash from users where lower(email) = ${given.email.toLowerCase()} and removed_at is null`
      return row ? { id: row.id as string, hash: row.password_hash as string } : null
    })
    if (!(await verifyPassword(given.password, user?.hash ?? null)) || !user) continue
    const token = await db.within(actor, scope => startSession(scope, user.id, door, agent))
    found.push({ tenant, userId: user.id, token })
  }
  if (tenants.length === 0) await verifyPassword(given.password, null)
  const [first, ...others] = found
  if (!first) throw refused()
  return [first, ...others]
}

async function workspacesOf(db: Database, email: string, slug: string | undefined): Promise<Tenant[]> {
  const rows = await db.sql`
    select d.tenant_id from public.sign_in_directory d join public.tenants t on t.id = d.tenant_id
    where d.address_hash = ${db.hashAddress(email)} and t.state = 'active' and (${slug ?? null}::text is null or t.slug = ${slug ?? null})
    order by d.tenant_id limit ${mostWorkspaces}`
  const tenants = await Promise.all(rows.map(row => db.tenantById(row.tenant_id as string)))
  return tenants.filter(tenant => tenant !== null)
}
