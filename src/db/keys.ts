import { newKey } from '../lib/seal.ts'
import { rememberMs } from './directory.ts'
import type { Sql } from './pool.ts'
import { wrapKey } from './tenants.ts'

/**
 * How long a process may go on with the keys it knows: it remembers a tenant for a while, and a request that began at
 * the end of that while has its own deadline (15 s) before it.
 */
export const spreadMs = rememberMs + 20_000

export interface KeyState {
  tenantId: string
  slug: string
  /** The key that seals. */
  current: number
  /** Made, known to every process after a while, and not yet used. */
  next: number | null
  former: FormerKey[]
}

export interface FormerKey {
  /** Ids only grow: a former key's is less than the current one's. */
  id: number
  /** When it stopped sealing, but for processes that had not heard of it yet. */
  retiredAt: Date
  /** Since when nothing that lasts is sealed with it. */
  resealedAt: Date | null
}

/** The keys of every tenant that holds data, or of one. */
export async function keyStates(owner: Sql, slug: string | null): Promise<KeyState[]> {
  const rows = await owner`
    select t.id, t.slug, t.key_id, k.key_id as other, coalesce(k.retired_at, k.made_at) as retired_at, k.resealed_at
    from public.tenants t left join public.tenant_keys k on k.tenant_id = t.id
    where t.state in ('active', 'suspended') and (${slug}::text is null or t.slug = ${slug})
    order by t.slug, k.key_id`
  const states = new Map<string, KeyState>()
  for (const row of rows) {
    const tenantId = row.id as string
    const state = states.get(tenantId) ?? {
      tenantId,
      slug: row.slug as string,
      current: row.key_id as number,
      next: null,
      former: [],
    }
    states.set(tenantId, state)
    if (row.other === null) continue
    if ((row.other as number) > state.current) state.next = row.other as number
    else
      state.former.push({
        id: row.other as number,
        retiredAt: row.retired_at as Date,
        resealedAt: row.resealed_at as Date | null,
      })
  }
  return [...states.values()]
}

/**
 * Writes down the tenant's next key, so that every process comes to know it before anything is sealed with it.
 * @returns false when there is one already, or an earlier change of keys is not over
 */
export async function prepareKey(owner: Sql, secret: string, tenantId: string): Promise<boolean> {
  const { count } = await owner`
    insert into public.tenant_keys (tenant_id, key_id, data_key)
    select t.id, greatest(t.key_id, (select max(k.key_id) from public.tenant_keys k where k.tenant_id = t.id)) + 1,
      ${wrapKey(secret, tenantId, newKey())}
    from public.tenants t
    where t.id = ${tenantId} and t.state in ('active', 'suspended') and not exists (
      select 1 from public.tenant_keys k
      where k.tenant_id = t.id and (k.key_id > t.key_id or k.resealed_at is null))
    on conflict do nothing`
  return count > 0
}

/**
 * Makes the next key the one that seals; the present one becomes a former one.
 * @returns false when no next key was written down
 */
export async function useNextKey(owner: Sql, tenantId: string): Promise<boolean> {
  return (await owner.begin(async tx => {
    const [tenant] = await tx`
      select key_id, data_key from public.tenants where id = ${tenantId} for update`
    const [next] = await tx`
      delete from public.tenant_keys where tenant_id = ${tenantId} and key_id > ${tenant?.key_id ?? null}
      returning key_id, data_key`
    if (!tenant || !next) return false
    await tx`
      insert into public.tenant_keys (tenant_id, key_id, data_key, retired_at)
      values (${tenantId}, ${tenant.key_id}, ${tenant.data_key}, now())`
    await tx`
      update public.tenants set key_id = ${next.key_id}, data_key = ${next.data_key} where id = ${tenantId}`
    return true
  })) as boolean
}

/** Notes that nothing that lasts is sealed with the tenant's former keys any more. */
export async function noteResealed(owner: Sql, tenantId: string): Promise<void> {
  await owner`
    update public.tenant_keys k set resealed_at = now() from public.tenants t
    where t.id = k.tenant_id and k.tenant_id = ${tenantId} and k.key_id < t.key_id and k.resealed_at is null`
}

/** How long it still takes until every process knows what was written down, or switched, last. */
export async function spreadLeftMs(
  owner: Sql,
  tenantIds: readonly string[],
  what: 'next' | 'switched',
  spread: number,
): Promise<number> {
  const [row] = await owner`
    select ${spread} - extract(epoch from clock_timestamp() - max(coalesce(k.retired_at, k.made_at))) * 1000 as left
    from public.tenant_keys k join public.tenants t on t.id = k.tenant_id
    where t.id = any(${tenantIds as string[]}::uuid[])
      and k.resealed_at is null and (k.key_id > t.key_id) = ${what === 'next'}`
  return Math.max(0, Math.ceil(Number(row?.left ?? 0)))
}

/** A former key is kept at least so long, for what was being written with it when it stopped sealing: a snapshot, say. */
const keepSeconds = 3600

/** Former keys that nothing lasting needs, and that no process seals with any more. */
export async function formerKeys(owner: Sql): Promise<{ tenantId: string; keyId: number }[]> {
  const rows = await owner`
    select k.tenant_id, k.key_id from public.tenant_keys k join public.tenants t on t.id = k.tenant_id
    where k.key_id < t.key_id and k.resealed_at is not null and coalesce(k.retired_at, k.made_at) < now() - ${keepSeconds} * interval '1 second'
      and t.state in ('active', 'suspended') order by k.tenant_id, k.key_id`
  return rows.map(row => ({ tenantId: row.tenant_id as string, keyId: row.key_id as number }))
}

/** Removes a former key for good: what is sealed with it never opens again. */
export async function dropKey(owner: Sql, tenantId: string, keyId: number): Promise<void> {
  await owner`
    delete from public.tenant_keys where tenant_id = ${tenantId} and key_id = ${keyId} and resealed_at is not null`
}
