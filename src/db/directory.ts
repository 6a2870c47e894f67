import type { Sql } from './pool.ts'
import type { Tenant } from './scope.ts'
import { unwrapKey } from './tenants.ts'

/** Tenant id or slug → schema, remembered for a while. Stale is safe: an erased tenant has no role to become. */
export function tenantDirectory(sql: Sql, secret: string) {
  const rememberMs = 30_000
  const known = new Map<string, { tenant: Tenant; until: number }>()
  const remember = (row: Record<string, unknown> | undefined): Tenant | null => {
    if (!row) return null
    const tenant: Tenant = {
      id: row.id as string,
      slug: row.slug as string,
      schema: row.schema_name as string,
      key: unwrapKey(secret, row.id as string, row.data_key as Uint8Array),
    }
    const entry = { tenant, until: Date.now() + rememberMs }
    known.set(tenant.id, entry)
    known.set(tenant.slug, entry)
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
          (
            await sql`select id, slug, schema_name, data_key from public.tenants where id = ${id} and state <> 'erasing'`
          )[0],
        )
      )
    },
    async bySlug(slug: string): Promise<Tenant | null> {
      return (
        recall(slug) ??
        remember(
          (
            await sql`select id, slug, schema_name, data_key from public.tenants where slug = ${slug} and state = 'active'`
          )[0],
        )
      )
    },
    forget(id: string): void {
      const entry = known.get(id)
      if (entry) known.delete(entry.tenant.slug)
      known.delete(id)
    },
  }
}
