import type { Scope } from '../db/scope.ts'
import type { Happening } from '../events.ts'

/** What a receiver gets as its body, in this order; signed as these bytes at every try. */
export interface Message {
  type: string
  /** When it happened, ISO 8601. */
  timestamp: string
  data: Record<string, unknown>
}

/** The bytes of a message. */
export const bodyOf = ({ type, timestamp, data }: Message): string =>
  JSON.stringify({ type, timestamp, data })

/**
 * What is told of each event: the thing as it is now, in the event's own transaction, and who did it. A thing that is
 * gone is told by its id.
 */
export async function messagesOf(scope: Scope, happenings: readonly Happening[]): Promise<Message[]> {
  const [clock] = await scope.sql`select public.clock() as now`
  const timestamp = ((clock?.now as Date | undefined) ?? new Date()).toISOString()
  const things = new Map<string, Record<string, unknown>>()
  for (const [noun, read] of Object.entries(reads)) {
    const ids = happenings.filter(({ type }) => type.startsWith(`${noun}.`)).map(({ subjectId }) => subjectId)
    if (ids.length === 0) continue
    for (const row of await read(scope, [...new Set(ids)])) things.set(row.id as string, row)
  }
  return happenings.map(({ type, subjectId, data }) => {
    const noun = (type.split('.')[0] ?? '') as keyof typeof reads
    const more = Object.fromEntries(told.filter(name => name in data).map(name => [name, data[name]]))
    return {
      type,
      timestamp,
      data: { [names[noun]]: things.get(subjectId) ?? { id: subjectId }, by: scope.actor.userId, ...more },
    }
  })
}

/** Of what an event knows beside its subject, what is of use outside. */
const told = ['for', 'why', 'note', 'attemptId']
const names = { content: 'content', publish_job: 'job', comment: 'comment', account: 'account' } as const

const rowsOf = (rows: readonly Record<string, unknown>[]): Record<string, unknown>[] =>
  rows.map(row =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, value instanceof Date ? value.toISOString() : value]),
    ),
  )

/** One statement a noun, however many happened at once. */
const reads: Record<
  keyof typeof names,
  (scope: Scope, ids: readonly string[]) => Promise<Record<string, unknown>[]>
> = {
  content: async ({ sql }, ids) =>
    rowsOf(
      await sql`
      select c.id, c.state, v.number as version, v.text, v.media, c.tags from content c
      join content_versions v on v.id = c.version_id where c.id = any(${ids}::uuid[])`,
    ),
  publish_job: async ({ sql }, ids) =>
    rowsOf(
      await sql`
      select j.id, j.content_id as "contentId", j.version_id as "versionId", j.account_id as "accountId", a.platform,
        a.name as account, j.state, j.run_at as "runAt", j.local, j.zone, j.remote_id as "remoteId",
        j.remote_url as "remoteUrl", j.published_at as "publishedAt", j.error
      from publish_jobs j join social_accounts a on a.id = j.account_id where j.id = any(${ids}::uuid[])`,
    ),
  comment: async ({ sql }, ids) =>
    rowsOf(
      await sql`
      select m.id, m.content_id as "contentId", m.text, u.name as author from comments m
      left join users u on u.id = m.user_id where m.id = any(${ids}::uuid[])`,
    ),
  account: async ({ sql }, ids) =>
    rowsOf(
      await sql`
      select id, platform, name, handle, state, state_reason as reason from social_accounts
      where id = any(${ids}::uuid[])`,
    ),
}
