import { Unavailable } from '../errors.ts'
import type { KeyRing } from '../lib/seal.ts'
import { oldestServedLevel } from './migrations.ts'
import type { Sql } from './pool.ts'
import type { Tenant, TenantState } from './scope.ts'
import { unwrapKey } from './tenants.ts'

/** For how long a process goes on with what it knows of a tenant: its slug, state and keys. */
export const rememberMs = 30_000

const behindWords =
  'This workspace is still being brought up to the version of Masthead that runs here. Try again in a few minutes; if it stays so, tell the person who runs it.'

/** Tenant id or slug → schema, remembered for a while. Stale is safe: an erased tenant has no role to become. */
export function tenantDirectory(sql: Sql, secret: string) {
  const columns = sql`t.id, t.slug, t.schema_name, t.schema_version, t.data_key, t.key_id, t.state, t.state_reason,
    t.erase_after,
    (select array_agg(f.slug order by f.slug) from public.former_slugs f where f.tenant_id = t.id) as former_slugs,
    (select array_agg(k.key_id order by k.key_id) from public.tenant_keys k where k.tenant_id = t.id) as other_ids,
    (select array_agg(k.data_key order by k.key_id) from public.tenant_keys k where k.tenant_id = t.id) as other_keys`
  const known = new Map<string, { tenant: Tenant; until: number }>()
  const remember = (row: Record<string, unknown> | undefined): Tenant | null => {
    if (!row) return null
    // Not remembered: it is served as soon as it is migrated.
    if ((row.schema_version as number) < oldestServedLevel) throw new Unavailable(behindWords, 60)
    const tenant: Tenant = {
      id: row.id as string,
      slug: row.slug as string,
      formerSlugs: (row.former_slugs as string[] | null) ?? [],
      state: row.state as TenantState,
      stateReason: row.state_reason as string | null,
      eraseAfter: row.erase_after as Date | null,
      schema: row.schema_name as string,
      keys: keyRing(secret, row),
    }
    const entry = { tenant, until: Date.now() + rememberMs }
    for (const key of namesOf(tenant)) known.set(key, entry)
    return tenant
  }
  const recall = (key: string): Tenant | null => {
    const entry = known.get(key)
    return entry && entry.until > Date.now() ? entry.tenant : null
  }
  return {
    async byId(id: string): Promise<Tenant | null> {
      return (
        recall(id) ??
        remember(
          (await sql`select ${columns} from public.tenants t where t.id = ${id} and t.state <> 'erasing'`)[0],
        )
      )
    },
    /** By its address, or by one that it had before. */
    async bySlug(slug: string): Promise<Tenant | null> {
      return (
        recall(slug) ??
        remember(
          (
            await sql`
              select ${columns} from public.tenants t where t.state in ('active', 'suspended') and (t.slug = ${slug}
                or t.id = (select former.tenant_id from public.former_slugs former where former.slug = ${slug}))`
          )[0],
        )
      )
    },
    forget(id: string): void {
      const entry = known.get(id)
      for (const key of entry ? namesOf(entry.tenant) : [id]) known.delete(key)
    },
  }
}

const namesOf = ({ id, slug, formerSlugs }: Tenant): string[] => [id, slug, ...formerSlugs]

/** The tenant as this process remembers it; looked at afresh where that would speak against serving it. */
export async function tenantNow(
  {
    tenantById,
    forgetTenant,
  }: { tenantById: (id: string) => Promise<Tenant | null>; forgetTenant: (id: string) => void },
  id: string,
  suits: (tenant: Tenant) => boolean = () => true,
): Promise<Tenant | null> {
  const tenant = await tenantById(id)
  if (tenant?.state === 'active' && suits(tenant)) return tenant
  forgetTenant(id)
  return tenantById(id)
}

function keyRing(secret: string, row: Record<string, unknown>): KeyRing {
  const unwrap = (wrapped: Uint8Array) => unwrapKey(secret, row.id as string, wrapped)
  const ids = (row.other_ids as number[] | null) ?? []
  const wrapped = (row.other_keys as Uint8Array[] | null) ?? []
  return {
    current: { id: row.key_id as number, key: unwrap(row.data_key as Uint8Array) },
    others: new Map(ids.map((id, at) => [id, unwrap(wrapped[at] as Uint8Array)])),
  }
}
