import { z } from 'zod'
import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { record } from '../events.ts'
import { idKey, type Page, pageOf, readCursor } from '../lib/cursor.ts'
import { isId, newId, randomToken, tokenHash } from '../lib/id.ts'
import { allow, may } from '../permissions.ts'
import { personName } from './schema.ts'

export const NewKey = z.strictObject({ name: personName })

export interface ApiKey {
  id: string
  name: string
  /** The last characters, to tell keys apart. */
  hint: string
  userId: string
  lastUsedAt: string | null
  createdAt: string
}

/** `mh_<tenant id>_<32 random bytes in base62>`; the tenant id tells where to look, only the hash is kept. */
const keyPattern = /^mh_([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})_([0-9A-Za-z]{20,64})$/

/** The tenant a key claims to be of, or null when it has no key's form. */
export const tenantOfKey = (key: string): string | null => keyPattern.exec(key)?.[1] ?? null

/** Makes a key that acts as its maker, with the maker's role. @returns it together with the secret, shown once */
export async function createKey(
  scope: Scope,
  given: { name: string },
  userId = scope.actor.userId,
): Promise<ApiKey & { key: string }> {
  allow(scope, 'keys.manage')
  if (!userId) throw new NotFound('A key belongs to a user, and there is none here.')
  const key = `mh_${scope.tenant.id}_${randomToken(32)}`
  const hint = key.slice(-4)
  const id = newId()
  const rows = await scope.sql`
    insert into api_keys (id, name, hint, token_hash, user_id)
    values (${id}, ${given.name}, ${hint}, ${tokenHash(key)}, ${userId}) returning created_at`
  await record(scope, 'key.created', id, { name: given.name })
  const createdAt = rows.map(row => (row.created_at as Date).toISOString()).join()
  return { id, name: given.name, hint, userId, lastUsedAt: null, createdAt, key }
}

/** One's own keys, newest first; whoever manages people sees all. @throws Malformed `bad_cursor` */
export async function listKeys(
  scope: Scope,
  { limit = 50, cursor }: { limit?: number | undefined; cursor?: string | undefined } = {},
): Promise<Page<ApiKey>> {
  allow(scope, 'keys.manage')
  const own = may(scope.actor, 'people.manage') ? null : scope.actor.userId
  const [before = null] = readCursor(cursor, [idKey]) ?? []
  const rows = await scope.sql`
    select id, name, hint, user_id, last_used_at, created_at from api_keys
    where (${own}::uuid is null or user_id = ${own}) and (${before}::uuid is null or id < ${before}::uuid)
    order by id desc limit ${limit + 1}`
  const keys = rows.map(row => ({
    id: row.id as string,
    name: row.name as string,
    hint: row.hint as string,
    userId: row.user_id as string,
    lastUsedAt: (row.last_used_at as Date | null)?.toISOString() ?? null,
    createdAt: (row.created_at as Date).toISOString(),
  }))
  return pageOf(keys, limit, last => [last.id])
}

export async function revokeKey(scope: Scope, id: string): Promise<void> {
  allow(scope, 'keys.manage')
  const own = may(scope.actor, 'people.manage') ? null : scope.actor.userId
  const gone = isId(id)
    ? await scope.sql`delete from api_keys where id = ${id} and (${own}::uuid is null or user_id = ${own}) returning id`
    : []
  if (gone.length === 0) throw new NotFound()
  await record(scope, 'key.revoked', id)
}
