import { z } from 'zod'
import { checkPassword, hashPassword } from '../auth/password.ts'
import { country, lateMinutes, personName, zone } from '../auth/schema.ts'
import type { Database } from '../db/database.ts'
import type { Scope, Tenant } from '../db/scope.ts'
import { createTenant } from '../db/tenants.ts'
import { Invalid, NotFound } from '../errors.ts'
import { record } from '../events.ts'
import { newId } from '../lib/id.ts'
import { checkZone } from '../lib/time.ts'
import { allow } from '../permissions.ts'
import { platforms } from '../platforms/index.ts'
import { addUser } from './users.ts'

export interface Workspace {
  id: string
  slug: string
  name: string
  zone: string
  country: string | null
  approvalRequired: boolean
  /** A post less late than this goes out unasked; a later one asks. In minutes. */
  lateMinutes: number
}

export const WorkspaceChange = z.strictObject({
  name: personName.optional(),
  zone: zone.optional(),
  country: country.nullable().optional(),
  approvalRequired: z.boolean({ error: 'must be true or false' }).optional(),
  lateMinutes: lateMinutes.optional(),
})
export type WorkspaceChange = z.infer<typeof WorkspaceChange>

/** The same as a form sends it: every field is there, an empty country means none. */
export const WorkspaceForm = z.strictObject({
  name: personName,
  zone,
  country: country.optional(),
  approvalRequired: z.boolean(),
  lateMinutes: lateMinutes.optional(),
})

export interface Founding {
  slug: string
  name: string
  zone: string
  country?: string | undefined
  ownerName: string
  email: string
  password: string
}

/**
 * Founds a workspace: tenant, owner, and the own feed that every workspace has from the start.
 * @throws Invalid for a wrong field, Conflict when the address is taken
 */
export async function foundWorkspace(
  db: Database,
  secret: string,
  founding: Founding,
): Promise<{ tenant: Tenant; ownerId: string }> {
  const zoneName = checkZone(founding.zone)
  checkPassword(founding.password, founding.email)
  const passwordHash = await hashPassword(founding.password)
  let ownerId = ''
  const tenant = await createTenant(db.owner, { slug: founding.slug, secret, appRole: db.appRole }, made =>
    db.within({ tenantId: made.id, userId: null, role: 'system' }, async scope => {
      await checkCountry(scope, founding.country)
      await scope.sql`
        insert into workspace (id, name, zone, country)
        values (${made.id}, ${founding.name}, ${zoneName}, ${founding.country ?? null})`
      ownerId = await addUser(scope, {
        name: founding.ownerName,
        email: founding.email,
        role: 'owner',
        passwordHash,
      })
      const feed = platforms.feed
      await scope.sql`
        insert into social_accounts (id, platform, name, handle, remote_id, limits)
        values (${newId()}, 'feed', ${`${founding.name}: own feed`}, ${`/feed/${made.slug}`}, 'feed', ${scope.sql.json(feed.limits)})`
    }),
  )
  db.forgetTenant(tenant.id)
  return { tenant, ownerId }
}

export async function readWorkspace(scope: Scope): Promise<Workspace> {
  const [row] = await scope.sql`select name, zone, country, approval_required, late_minutes from workspace`
  if (!row) throw new NotFound()
  return {
    id: scope.tenant.id,
    slug: scope.tenant.slug,
    name: row.name as string,
    zone: row.zone as string,
    country: row.country as string | null,
    approvalRequired: row.approval_required as boolean,
    lateMinutes: row.late_minutes as number,
  }
}

export async function changeWorkspace(scope: Scope, change: WorkspaceChange): Promise<Workspace> {
  allow(scope, 'workspace.change')
  const now = await readWorkspace(scope)
  await checkCountry(scope, change.country)
  const next: Workspace = {
    ...now,
    name: change.name ?? now.name,
    zone: change.zone === undefined ? now.zone : checkZone(change.zone),
    country: change.country === undefined ? now.country : change.country,
    approvalRequired: change.approvalRequired ?? now.approvalRequired,
    lateMinutes: change.lateMinutes ?? now.lateMinutes,
  }
  await scope.sql`
    update workspace set name = ${next.name}, zone = ${next.zone}, country = ${next.country},
      approval_required = ${next.approvalRequired}, late_minutes = ${next.lateMinutes}`
  const fields = (['name', 'zone', 'country', 'approvalRequired', 'lateMinutes'] as const).filter(
    field => next[field] !== now[field],
  )
  if (fields.length > 0) await record(scope, 'workspace.changed', scope.tenant.id, { fields })
  return next
}

/** The countries one can choose, by name. Takes a scope or the database: the table is everybody's. */
export async function countries({
  sql,
}: Pick<Scope, 'sql'> | Pick<Database, 'sql'>): Promise<{ code: string; name: string }[]> {
  const rows = await (sql as Scope['sql'])`select code, name from public.countries order by name`
  return rows.map(row => ({ code: row.code as string, name: row.name as string }))
}

async function checkCountry(scope: Scope, code: string | null | undefined): Promise<void> {
  if (!code) return
  const [known] = await scope.sql`select 1 from countries where code = ${code}`
  if (!known)
    throw new Invalid(`"${code}" is not a country code.`, [
      { path: 'country', message: 'must be a code such as DE or US' },
    ])
}
