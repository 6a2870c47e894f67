import type { Scope } from '../db/scope.ts'
import { Conflict, NotFound } from '../errors.ts'
import { record } from '../events.ts'
import { isId, newId } from '../lib/id.ts'
import { allow } from '../permissions.ts'
import type { Services } from '../services.ts'
import type { Storage } from '../storage/storage.ts'
import { exportTenant } from './export.ts'
import type { Export } from './schema.ts'

const keptHours = 24
/** Each takes a read of everything and the room for it. */
const mostADay = 3
/** One that has not ended after so long went down with its process; its passphrase is known to nobody. */
const brokenOffMinutes = 60

export const exportFolder = (tenantId: string): string => `exports/${tenantId}/`
const exportPath = (tenantId: string, id: string): string => `${exportFolder(tenantId)}${id}.capsule`

/**
 * The exports of the last day, the newest first. What the events tell is all there is to know: an export is asked for,
 * ends, is fetched.
 */
export async function listExports(scope: Scope): Promise<{ items: Export[]; next: null }> {
  allow(scope, 'workspace.export')
  const rows = await scope.sql`
    select s.data->>'export' as id, s.user_id, s.created_at, s.created_at + ${keptHours} * interval '1 hour' as expires_at,
      s.created_at < public.clock() - ${brokenOffMinutes} * interval '1 minute' as old,
      (select e.data from events e where e.subject_id = s.subject_id and e.type = 'workspace.export_ended'
        and e.data->>'export' = s.data->>'export' limit 1) as ended
    from events s
    where s.subject_id = ${scope.tenant.id} and s.type = 'workspace.export_started'
      and s.created_at > public.clock() - ${keptHours} * interval '1 hour'
    order by s.created_at desc, s.id desc`
  return { items: rows.map(toExport), next: null }
}

function toExport(row: Record<string, unknown>): Export {
  const ended = row.ended as { bytes: number | null } | null
  const bytes = ended?.bytes ?? null
  return {
    id: row.id as string,
    state: bytes !== null ? 'ready' : ended || row.old ? 'failed' : 'preparing',
    bytes,
    createdAt: (row.created_at as Date).toISOString(),
    expiresAt: (row.expires_at as Date).toISOString(),
    userId: row.user_id as string | null,
  }
}

/**
 * Writes down that an export is wished for; `prepareExport` makes it once this has committed.
 * @throws Forbidden, Conflict while another is being prepared, or when there were enough for a day
 */
export async function askExport(scope: Scope): Promise<Export> {
  allow(scope, 'workspace.export')
  await scope.sql`select pg_advisory_xact_lock(hashtextextended(${`export ${scope.tenant.id}`}, 0))`
  const { items } = await listExports(scope)
  if (items.some(({ state }) => state === 'preparing'))
    throw new Conflict('An export is being prepared already. Wait until it is ready.')
  if (items.filter(({ state }) => state === 'ready').length >= mostADay)
    throw new Conflict(`There are ${mostADay} exports of the last day already. Fetch one of those.`)
  const id = newId()
  await record(scope, 'workspace.export_started', scope.tenant.id, { export: id })
  const made = (await listExports(scope)).items.find(one => one.id === id)
  if (!made) throw new NotFound()
  return made
}

/** Makes the capsule that was asked for and writes down how it ended; never throws. */
export async function prepareExport(
  { db, storage, log }: Pick<Services, 'db' | 'storage' | 'log'>,
  wish: { tenantId: string; id: string; passphrase: string },
): Promise<void> {
  const { tenantId, id, passphrase } = wish
  const path = exportPath(tenantId, id)
  const ended = (bytes: number | null) =>
    db.within({ tenantId, userId: null, role: 'system' }, scope =>
      record(scope, 'workspace.export_ended', tenantId, { export: id, bytes }),
    )
  try {
    const { file, result } = await exportTenant({ db, storage }, tenantId, passphrase)
    await storage.write(path, file)
    await ended(result().bytes)
    log.info('an export is ready', { tenant: tenantId, bytes: result().bytes })
  } catch (error) {
    log.error('an export could not be made', { tenant: tenantId, error })
    // Also when the tenant was erased meanwhile: nothing of it may be left behind.
    await Promise.allSettled([storage.remove(path), ended(null)])
  }
}

/** Where the bytes of a ready export lie, written down as fetched. @throws Forbidden, NotFound when it is not there (any more) */
export async function fetchExport(scope: Scope, id: string): Promise<{ path: string; name: string }> {
  allow(scope, 'workspace.export')
  const found = isId(id) ? (await listExports(scope)).items.find(one => one.id === id) : undefined
  if (found?.state !== 'ready') throw new NotFound('This export is not there, or not any more.')
  await record(scope, 'workspace.export_fetched', scope.tenant.id, { export: id })
  return {
    path: exportPath(scope.tenant.id, id),
    name: `${scope.tenant.slug}-${found.createdAt.slice(0, 10)}.capsule`,
  }
}

/** Removes the files of exports that are over. @param now by the clock that the files' times are of */
export async function removeOldExports(storage: Storage, now = new Date()): Promise<number> {
  let removed = 0
  for await (const { path, changedAt } of storage.list('exports/')) {
    if (now.getTime() - changedAt.getTime() < keptHours * 3_600_000) continue
    await storage.remove(path)
    removed++
  }
  return removed
}
