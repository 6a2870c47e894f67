/**
 * Masthead as a whole in a process of its own, with a platform that answers at once in place of the rehearsal network:
 * armed as every other, then taken. It can tell nothing afterwards, so a post that was under way when its worker died
 * can only become "unconfirmed".
 */
import { readConfig } from '../../../src/config.ts'
import type { Actor } from '../../../src/db/scope.ts'
import { newId } from '../../../src/lib/id.ts'
import { platforms } from '../../../src/platforms/index.ts'
import { scheduleJobs } from '../../../src/publishing/schedule.ts'
import { start } from '../../../src/start.ts'
import { counted, now, tell, told, type WorkArgs } from './counted.ts'

const args = JSON.parse(process.argv[2] ?? '{}') as WorkArgs
const { work, recorded, report } = counted(args, null)

platforms.rehearsal.publish = async (_account, post, sending) => {
  await sending.arm()
  await work(post.jobId)
  return { is: 'published', remoteId: post.jobId, remoteUrl: null }
}
platforms.rehearsal.reconcile = async () => ({
  is: 'unconfirmed',
  why: { code: 'cannot_look', message: 'This network cannot be asked.', next: 'Look there yourself.' },
})

const { services } = await start(
  readConfig({
    DATA_DIR: process.env.DATA_DIR,
    PORT: '0',
    HOST: '127.0.0.1',
    LOG_LEVEL: 'silent',
    RATE_LIMIT: 'off',
  }),
)
const { attempt } = services.metrics
services.metrics.attempt = (...of) => {
  attempt(...of)
  recorded()
}
tell({ loaded: true })

for await (const line of told()) {
  if (line.begin) tell({ begun: true })
  if (line.report) report()
  if (line.schedule) tell({ scheduled: await schedule(line.schedule as ScheduleArgs) })
}

interface ScheduleArgs {
  tenants: string[]
  count: number
  callers: number
}

/** Plans one post after the other as a person or the API does. @returns how many a second */
async function schedule({ tenants, count, callers }: ScheduleArgs): Promise<number> {
  const places = await Promise.all(
    tenants.map(tenantId => prepare(tenantId, Math.ceil(count / tenants.length))),
  )
  let next = 0
  const at = new Date(Date.now() + 30 * 86_400_000).toISOString()
  const began = now()
  const caller = async () => {
    for (let mine = next++; mine < count; mine = next++) {
      const { actor, contents, account } = places[mine % places.length] as Place
      const content = contents[Math.floor(mine / places.length)] as string
      await services.db.within(actor, scope => scheduleJobs(scope, content, { accounts: [account], at }))
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return count / ((now() - began) / 1000)
}

interface Place {
  actor: Actor
  contents: string[]
  account: string
}

async function prepare(tenantId: string, count: number): Promise<Place> {
  const actor: Actor = { tenantId, userId: null, role: 'owner' }
  return services.db.within(actor, async ({ sql }) => {
    const contents = Array.from({ length: count }, newId)
    await sql`
      insert into content (id, version_id, state) select id, id, 'draft' from unnest(${contents}::uuid[]) given (id)`
    await sql`
      insert into content_versions (id, content_id, number, text)
      select id, id, 1, 'A short report from the roastery.' from unnest(${contents}::uuid[]) given (id)`
    const [account] = await sql`select id from social_accounts order by id limit 1`
    return { actor, contents, account: account?.id as string }
  })
}
