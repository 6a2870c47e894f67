import type { Database } from '../db/database.ts'
import type { Sql } from '../db/pool.ts'
import type { TenantState } from '../db/scope.ts'
import type { Role } from '../permissions.ts'
import type { JobState } from '../publishing/schema.ts'
import type { Storage } from '../storage/storage.ts'
import { exportFolder } from './exports.ts'
import type { Snapshot } from './schema.ts'

export const mediaFolder = (tenantId: string): string => `media/${tenantId}/`
export const snapshotFolder = (tenantId: string): string => `snapshots/${tenantId}/`

/** A tenant as the operator's list shows it. Times are ISO 8601. */
export interface TenantLine {
  id: string
  slug: string
  schema: string
  state: TenantState
  /** Why it is suspended. */
  reason: string | null
  suspendedAt: string | null
  eraseAfter: string | null
  /** The number of the last migration that its schema has. */
  level: number
  /** Why a migration of it failed. */
  error: string | null
  createdAt: string
}

const iso = (value: unknown): string | null => (value as Date | null)?.toISOString() ?? null

const lines = (owner: Sql) => owner`
  select id, slug, schema_name, state, state_reason, suspended_at, erase_after, schema_version, migration_error, created_at
  from public.tenants`

const toLine = (row: Record<string, unknown>): TenantLine => ({
  id: row.id as string,
  slug: row.slug as string,
  schema: row.schema_name as string,
  state: row.state as TenantState,
  reason: row.state_reason as string | null,
  suspendedAt: iso(row.suspended_at),
  eraseAfter: iso(row.erase_after),
  level: row.schema_version as number,
  error: row.migration_error as string | null,
  createdAt: iso(row.created_at) ?? '',
})

export async function listTenants(owner: Sql, state: TenantState | null = null): Promise<TenantLine[]> {
  const rows =
    await owner`${lines(owner)} where ${state}::text is null or state = ${state} order by created_at, id`
  return rows.map(toLine)
}

/** By its address, or one it had before; null when there is none. Whatever its state. */
export async function findTenant(owner: Sql, slug: string): Promise<TenantLine | null> {
  const rows = await owner`
    ${lines(owner)} where slug = ${slug} or id = (select tenant_id from public.former_slugs where slug = ${slug})
    order by slug = ${slug} desc limit 1`
  return rows[0] ? toLine(rows[0]) : null
}

/** Everything the operator may want to know of one tenant: numbers and times, no words of its people. */
export interface TenantSheet extends TenantLine {
  formerSlugs: string[]
  name: string | null
  people: Partial<Record<Role, number>>
  content: number
  jobs: Partial<Record<JobState, number>>
  nextDueAt: string | null
  bytes: { database: number; media: number; snapshots: number; exports: number }
  files: { media: number; snapshots: number; exports: number }
  keys: { current: number; others: number[] }
  lastSnapshot: Snapshot | null
}

export async function readTenant(
  { owner, within }: Pick<Database, 'owner' | 'within'>,
  storage: Storage,
  line: TenantLine,
): Promise<TenantSheet> {
  const { id, schema } = line
  const [row] = await owner`
    select t.key_id, d.next_due_at, isfinite(d.next_due_at) as due,
      (select coalesce(sum(pg_total_relation_size(c.oid)), 0)::float8 from pg_class c
        join pg_namespace n on n.oid = c.relnamespace where n.nspname = ${schema} and c.relkind = 'r') as bytes,
      (select coalesce(array_agg(k.key_id order by k.key_id), '{}') from public.tenant_keys k where k.tenant_id = t.id) as others,
      (select coalesce(array_agg(f.slug order by f.slug), '{}') from public.former_slugs f where f.tenant_id = t.id) as former,
      exists (select 1 from pg_namespace n where n.nspname = ${schema}) as entered
    from public.tenants t left join public.tenant_due d on d.tenant_id = t.id where t.id = ${id}`
  const [media, snapshots, exports] = await Promise.all([
    measure(storage, mediaFolder(id)),
    measure(storage, snapshotFolder(id)),
    measure(storage, exportFolder(id)),
  ])
  const inside = row?.entered
    ? await within({ tenantId: id, userId: null, role: 'system' }, countInside, { readOnly: true })
    : { name: null, people: {}, content: 0, jobs: {} }
  return {
    ...line,
    formerSlugs: row?.former as string[],
    ...inside,
    nextDueAt: row?.due ? iso(row.next_due_at) : null,
    bytes: {
      database: row?.bytes as number,
      media: media.bytes,
      snapshots: snapshots.bytes,
      exports: exports.bytes,
    },
    files: { media: media.files, snapshots: snapshots.files, exports: exports.files },
    keys: { current: row?.key_id as number, others: row?.others as number[] },
    lastSnapshot: (await listSnapshots(storage, id))[0] ?? null,
  }
}

async function countInside({ sql }: Parameters<Parameters<Database['within']>[1]>[0]) {
  const [[workspace], people, jobs] = await Promise.all([
    sql`select name, (select count(*)::int from content) as content from workspace`,
    sql`select role, count(*)::int as n from users where removed_at is null group by role`,
    sql`select state, count(*)::int as n from publish_jobs group by state order by state`,
  ])
  return {
    name: (workspace?.name as string | undefined) ?? null,
    content: (workspace?.content as number | undefined) ?? 0,
    people: Object.fromEntries(people.map(row => [row.role, row.n])) as TenantSheet['people'],
    jobs: Object.fromEntries(jobs.map(row => [row.state, row.n])) as TenantSheet['jobs'],
  }
}

async function measure(storage: Storage, folder: string): Promise<{ files: number; bytes: number }> {
  const found = { files: 0, bytes: 0 }
  for await (const { bytes } of storage.list(folder)) {
    found.files++
    found.bytes += bytes
  }
  return found
}

/** When a snapshot was taken, in UTC, and with which of the tenant's keys: `20261127t034000250z-k1.capsule`. */
const snapshotName = /^(\d{4})(\d{2})(\d{2})t(\d{2})(\d{2})(\d{2})(\d{3})z-k(\d{1,5})\.capsule$/

/** The snapshots of a tenant, the newest first. */
export async function listSnapshots(storage: Storage, tenantId: string): Promise<Snapshot[]> {
  const folder = snapshotFolder(tenantId)
  const found: Snapshot[] = []
  for await (const { path, bytes } of storage.list(folder)) {
    const name = path.slice(folder.length)
    const at = name.replace(snapshotName, '$1-$2-$3T$4:$5:$6.$7Z')
    if (at !== name) found.push({ name, bytes, at })
  }
  return found.sort((a, b) => (a.name < b.name ? 1 : -1))
}
