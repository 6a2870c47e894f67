import { dropSchema, emptyTables, lockTables, pour, type Tx, tablesOf } from '../db/copy.ts'
import { startDue, stopDue } from '../db/due.ts'
import { aloneOrNot } from '../db/lanes.ts'
import type { Tenant } from '../db/scope.ts'
import { liftSchema } from '../db/tenants.ts'
import { Conflict, NotFound, Stop } from '../errors.ts'
import { newId } from '../lib/id.ts'
import { type Ground, unwatched, type Watch } from './ground.ts'
import { type CapsuleFile, loadTables, opened, opensAll, resealTables, watched } from './load.ts'
import { type Merged, mergeNow, recordRewind } from './merge.ts'
import { type Read, readCapsule } from './read.ts'
import { takeSnapshot } from './snapshots.ts'

export interface Rewound extends Merged {
  /** The moment that the workspace is at now. */
  to: string
  /** The snapshot by which the rewind can be undone. */
  safety: string
  /** Pictures whose files were put back. */
  pictures: number
  /** Of the capsule's file. */
  bytes: number
  contentBytes: number
  seconds: number
}

/** For how long posts that are just being sent are waited for. */
const patienceMs = 60_000
const whileRewinding = 'It is being put back to an earlier state. This takes a few minutes at most.'

/**
 * Puts one tenant back to how it was when a capsule of it was made, and no other. What went out in between stays out
 * (`merge.ts`); nothing is due unasked. Its present state is kept in a snapshot first. The tables change in one
 * transaction: cut off at any point, either all of it is as before, or all is put back.
 *
 * @param file a capsule of this very tenant
 * @throws Stop for a capsule that is not right or another's, Conflict when posts of it are being sent and do not end,
 *   or another command is at work on it
 */
export async function rewindTenant(
  ground: Ground,
  tenantId: string,
  file: CapsuleFile,
  watch: Watch = unwatched,
  patience = patienceMs,
): Promise<Rewound> {
  const started = performance.now()
  const { db } = ground
  const done = await aloneOrNot(db.owner, `masthead tenant ${tenantId}`, async () => {
    db.forgetTenant(tenantId)
    const tenant = await db.tenantById(tenantId)
    if (!tenant) throw new NotFound()
    const checked = await check(ground, tenant, file, watch)
    const comeBack = await stand(ground, tenantId)
    try {
      await waitForSends(ground, tenant, patience)
      const safety = (await takeSnapshot(ground, tenantId, watch)).name
      const pictures = await putPictures(ground, tenantId, file, checked, watch)
      const merged = await exchange(ground, tenant, file, checked, safety, watch)
      return { merged, safety, pictures, checked }
    } finally {
      await comeBack()
    }
  })
  if (!done) throw new Conflict('Another command is at work on this workspace just now. Try again later.')
  const { merged, safety, pictures, checked } = done.result
  const { tables, media } = checked.checksums
  return {
    ...merged,
    to: checked.manifest.madeAt,
    safety,
    pictures,
    bytes: opened(file).bytes,
    contentBytes: [...tables, ...media].reduce((sum, { bytes }) => sum + bytes, 0),
    seconds: (performance.now() - started) / 1000,
  }
}

async function check({ db }: Ground, tenant: Tenant, file: CapsuleFile, watch: Watch): Promise<Read> {
  const [row] = await db.owner`select schema_version from public.tenants where id = ${tenant.id}`
  return readCapsule(file.secret, watched(opened(file), 'checking', watch), row?.schema_version as number, {
    async opened({ tenant: made }) {
      if (made.id !== tenant.id)
        throw new Stop(
          `This capsule is of another workspace (${made.name}): ${tenant.slug} cannot be put back to it. To have both, use tenant import.`,
        )
    },
  })
}

/** Suspends the tenant. @returns what gives it its former state back */
async function stand({ db }: Ground, tenantId: string): Promise<() => Promise<void>> {
  const { owner } = db
  const former = await owner.begin(async tx => {
    const [row] = await tx`select state, state_reason from public.tenants where id = ${tenantId} for update`
    if (!['active', 'suspended'].includes(row?.state as string)) throw new NotFound()
    // Left so by a rewind that was cut off.
    if (row?.state_reason === whileRewinding) return 'active'
    if (row?.state === 'suspended') return 'suspended'
    await tx`
      update public.tenants set state = 'suspended', state_reason = ${whileRewinding}, suspended_at = public.clock()
      where id = ${tenantId}`
    await stopDue(tx, tenantId)
    return 'active'
  })
  db.forgetTenant(tenantId)
  return async () => {
    if (former !== 'active') return
    await owner.begin(async tx => {
      await tx`
        update public.tenants set state = 'active', state_reason = null, suspended_at = null
        where id = ${tenantId} and state = 'suspended' and erase_after is null`
      await startDue(tx, tenantId)
    })
    db.forgetTenant(tenantId)
  }
}

/** Nothing new is claimed any more; what is under way ends, or its lease does. */
async function waitForSends({ db }: Ground, tenant: Tenant, patience: number): Promise<void> {
  const until = Date.now() + patience
  while ((await sending(db.owner, tenant)) > 0) {
    if (Date.now() > until)
      throw new Conflict(
        `Posts of ${tenant.slug} are being sent just now, and do not end: nothing was changed. Try again in a minute.`,
      )
    await Bun.sleep(200)
  }
}

async function sending(sql: Ground['db']['owner'] | Tx, { schema }: Tenant): Promise<number> {
  const [row] = await sql`
    select count(*)::int as n from ${sql(`${schema}.publish_jobs`)} j
    join ${sql(`${schema}.publish_attempts`)} a on a.id = j.attempt_id
    where j.state = 'publishing' and j.lease_until > public.clock() and a.ended_at is null`
  return row?.n as number
}

/** The files of the capsule that are not there any more. A picture's bytes never change, so the others are right. */
async function putPictures(
  { storage }: Ground,
  tenantId: string,
  file: CapsuleFile,
  { checksums, manifest }: Read,
  watch: Watch,
): Promise<number> {
  const there = new Set<string>()
  for await (const { path } of storage.list(`media/${tenantId}/`)) there.add(path.split('/').at(-1) ?? '')
  const gone = new Set(checksums.media.map(({ name }) => name).filter(name => !there.has(name)))
  if (gone.size === 0) return 0
  await readCapsule(file.secret, watched(opened(file), 'putting pictures back', watch), manifest.level, {
    async picture(name, body) {
      if (gone.has(name)) await storage.write(`media/${tenantId}/${name}`, body)
      else for await (const _ of body);
    },
  })
  return gone.size
}

/** Loads the earlier state beside the present one, brings together what belongs together, and changes all rows at once. */
async function exchange(
  { db }: Ground,
  tenant: Tenant,
  file: CapsuleFile,
  { manifest, keys, checksums }: Read,
  safety: string,
  watch: Watch,
): Promise<Merged> {
  const beside = `rewind_${newId().replaceAll('-', '_')}`
  const changing = db.owner.begin(async tx => {
    await loadTables(tx, beside, null, file, { manifest, checksums }, watch)
    const [row] = await tx`select schema_version from public.tenants where id = ${tenant.id}`
    await liftSchema(tx, beside, manifest.level, row?.schema_version as number)
    if (!opensAll(tenant.keys, keys))
      await resealTables(tx, beside, { id: tenant.id, keys }, { id: tenant.id, keys: tenant.keys })
    const tables = await tablesOf(tx, tenant.schema)
    await tx`set local lock_timeout = '10s'`
    await lockTables(tx, tenant.schema, tables)
    if ((await sending(tx, tenant)) > 0)
      throw new Conflict('A post began to be sent at the last moment: nothing was changed. Try again.')
    const times = { tx, present: tenant.schema, past: beside, tables }
    const merged = await mergeNow(times)
    await recordRewind(times, tenant.id, { to: manifest.madeAt, safety, ...merged })
    await emptyTables(tx, tenant.schema, tables)
    for (const table of tables) await pour(tx, beside, tenant.schema, table)
    await dropSchema(tx, beside)
    return merged
  })
  return changing.catch(error => {
    // 55P03: somebody keeps a lock; 40P01: each waits for the other.
    if (!['55P03', '40P01'].includes((error as { code?: string }).code ?? '')) throw error
    throw new Conflict(
      `Somebody is still at work in ${tenant.slug}: nothing was changed. Try again in a minute.`,
    )
  })
}
