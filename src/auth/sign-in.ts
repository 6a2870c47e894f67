import type { Database } from '../db/database.ts'
import { tenantNow } from '../db/directory.ts'
import type { Tenant } from '../db/scope.ts'
import { Suspended, Unauthenticated } from '../errors.ts'
import { tokenHash } from '../lib/id.ts'
import { verifyPassword } from './password.ts'
import { startSession } from './session.ts'

/** A place where mail address and password fit; no session yet. */
export interface Login {
  tenant: Tenant
  userId: string
  /** Changes with the password, so that a choice left open ends with it. */
  proof: string
}

export interface SignedIn {
  tenant: Tenant
  userId: string
  /** The secret half of the new session. */
  token: string
}

/** A person's workspaces are few; more entries than this for one address are not tried. */
const mostWorkspaces = 5

/** A refusal comes at a multiple of this after the question, so that its delay tells nothing about what was found. */
const evenMs = 250

const refused = () =>
  new Unauthenticated('The mail address or the password is not right. Check both and try again.')

const untilEven = (started: number) => Bun.sleep(evenMs - ((performance.now() - started) % evenMs))

/** Does something whose duration must not tell what it found. */
export async function answerEvenly(work: () => Promise<void>): Promise<void> {
  const started = performance.now()
  await work()
  await untilEven(started)
}

/** What a password's hash leaves in places outside the database. */
export const proofOf = (passwordHash: string): string => tokenHash(passwordHash).slice(0, 22)

/**
 * Where mail address and password fit: in `slug`, or in any workspace of this address. The refusal is the same, and
 * takes as long, whether the address is known or not.
 * @throws Unauthenticated
 */
export async function checkLogin(
  db: Database,
  given: { email: string; password: string; slug?: string | undefined },
): Promise<[Login, ...Login[]]> {
  const started = performance.now()
  const email = given.email.trim().toLowerCase()
  const found: Login[] = []
  const tenants = await workspacesOf(db, email, given.slug)
  for (const tenant of tenants) {
    const user = await db.within(
      { tenantId: tenant.id, userId: null, role: 'system' },
      async ({ sql }) => {
        const [row] = await sql`
          select id, password_hash from users where lower(email) = ${email} and removed_at is null`
        return row ? { id: row.id as string, hash: row.password_hash as string } : null
      },
      { readOnly: true },
    )
    if ((await verifyPassword(given.password, user?.hash ?? null)) && user)
      found.push({ tenant, userId: user.id, proof: proofOf(user.hash) })
  }
  if (tenants.length === 0) await verifyPassword(given.password, null)
  const [first, ...others] = found
  if (first) return [first, ...others]
  await untilEven(started)
  throw refused()
}

/**
 * Starts a session where the password fitted; while the workspace is suspended, for its owners only.
 * @throws Unauthenticated when the login was taken away, or its password changed, since; Suspended
 */
export async function enter(
  db: Database,
  login: { tenantId: string; userId: string; proof: string },
  door: 'page' | 'api',
  agent: string,
): Promise<SignedIn> {
  return db.within({ tenantId: login.tenantId, userId: null, role: 'system' }, async scope => {
    const [user] = await scope.sql`
      select u.password_hash, u.role, w.name as workspace, w.zone from users u cross join workspace w
      where u.id = ${login.userId} and u.removed_at is null`
    if (!user || proofOf(user.password_hash as string) !== login.proof) throw refused()
    const { slug, state, stateReason, eraseAfter } = scope.tenant
    if (state === 'suspended' && user.role !== 'owner')
      throw new Suspended(stateReason, eraseAfter, {
        slug,
        workspace: user.workspace as string,
        zone: user.zone as string,
        owner: false,
      })
    const token = await startSession(scope, login.userId, door, agent)
    return { tenant: scope.tenant, userId: login.userId, token }
  })
}

/** The workspaces that a mail address may sign in to. */
export async function workspacesOf(db: Database, email: string, slug: string | undefined): Promise<Tenant[]> {
  const wanted = slug || null
  const rows = await db.sql`
    select d.tenant_id from public.sign_in_directory d join public.tenants t on t.id = d.tenant_id
    where d.address_hash = ${db.hashAddress(email)} and t.state in ('active', 'suspended')
      and (${wanted}::text is null or t.slug = ${wanted}
        or t.id = (select tenant_id from public.former_slugs where slug = ${wanted}))
    order by d.tenant_id limit ${mostWorkspaces}`
  const looked = await Promise.allSettled(rows.map(row => tenantNow(db, row.tenant_id as string)))
  const tenants = looked.flatMap(one => (one.status === 'fulfilled' && one.value ? [one.value] : []))
  // One that cannot be entered now keeps nobody out of the others.
  const unavailable = looked.find(one => one.status === 'rejected')
  if (tenants.length === 0 && unavailable) throw unavailable.reason
  return tenants
}

/** Whether there is a workspace that somebody could sign in to. */
export async function anyWorkspace(db: Database): Promise<boolean> {
  const [row] = await db.sql`select exists (select 1 from public.tenants where state <> 'creating') as found`
  return row?.found === true
}

/** The workspace of a login, by the name that its people gave it. */
export function workspaceOf(
  db: Database,
  { tenant, userId }: Login,
): Promise<{ id: string; slug: string; name: string }> {
  return db.within(
    { tenantId: tenant.id, userId, role: 'reviewer' },
    async ({ sql }) => {
      const [row] = await sql`select name from workspace`
      return { id: tenant.id, slug: tenant.slug, name: row?.name as string }
    },
    { readOnly: true },
  )
}
