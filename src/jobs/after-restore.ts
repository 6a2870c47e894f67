import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { restoredName } from '../backup/restore.ts'
import type { Scope } from '../db/scope.ts'
import { Stop } from '../errors.ts'
import { record } from '../events.ts'
import type { Services } from '../services.ts'

/**
 * The first start on a database that was put back: what the former instance may have sent since the backup is held in
 * every workspace, before anything is looked for. May be repeated after a crash, and by several processes at once.
 * @throws Stop when a workspace cannot be looked after: nothing is sent unasked then
 */
export async function holdAfterRestore({ config, db, log }: Services): Promise<void> {
  const file = join(config.dataDir, restoredName)
  const mark = markIn(file)
  if (!mark) return
  const tenants = await db.sql`
    select id, slug from public.tenants where state in ('active', 'suspended') order by id`
  let held = 0
  for (const { id, slug } of tenants)
    try {
      held += await db.within({ tenantId: id as string, userId: null, role: 'system' }, holdUncertain)
    } catch (error) {
      throw new Stop(
        `The database was restored, and the posts of the workspace ${slug} that may have gone out since could not be held (${(error as Error).message}): mend it, for instance with "bun run migrate", and start again.`,
      )
    }
  rmSync(file, { force: true })
  log.warn(
    'the database was restored: posts whose moment has passed are held, because they may have gone out since the backup',
    { backup: mark.madeAt ?? 'of another kind', held },
  )
}

/** null when there is none: another process that starts at this moment takes it away when it is through. */
function markIn(file: string): { madeAt?: string } | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { madeAt?: string }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/**
 * Holds every job whose moment has passed or that was being sent, and ends the calls of n8n and webhooks that waited. What
 * waited for something else when the backup was made (a brake, an approval, a connection) may have got it and gone out
 * since, so it asks as well: a brake that has run out by now must not let it go by itself. An attempt that was armed
 * stays: it is looked for at the platform before anything is sent.
 * @returns the number of jobs held
 */
async function holdUncertain(scope: Scope): Promise<number> {
  const { sql } = scope
  await sql`
    update publish_attempts a set ended_at = public.clock(), outcome = coalesce(a.outcome, 'lost')
    from publish_jobs j where a.id = j.attempt_id and j.state = 'publishing' and a.armed_at is null and a.ended_at is null`
  const held = await sql`
    update publish_jobs j set state = 'held', held_for = 'late', next_try_at = null, lease_until = null
    where (j.state in ('scheduled', 'held') and j.held_for is distinct from 'late'
        and least(j.run_at, j.next_try_at) <= public.clock())
      or (j.state = 'publishing' and not exists (
        select 1 from publish_attempts a where a.id = j.attempt_id and a.armed_at is not null))
    returning j.id, j.content_id`
  for (const job of held)
    await record(scope, 'publish_job.held', job.id as string, { contentId: job.content_id, for: 'late' })
  await sql`
    update workflow_runs set state = 'failed', next_try_at = null, lease_until = null, ended_at = public.clock(),
      outcome = 'The instance was restored from a backup while this run waited, so it may have run already. Run it again if it has not.'
    where kind = 'n8n' and state in ('waiting', 'running')`
  await sql`
    update deliveries set state = 'failed', next_try_at = null, lease_until = null, ended_at = public.clock(),
      answer = ${sql.json({ words: 'The instance was restored from a backup while this waited, so it may have arrived already. Send it again if it has not.' })}
    where kind = 'webhook' and state in ('waiting', 'sending')`
  return held.length
}
