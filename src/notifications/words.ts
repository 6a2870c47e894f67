import type { Scope } from '../db/scope.ts'
import { warnedJobs } from '../forecast/find.ts'
import { platforms } from '../platforms/index.ts'
import type { PlatformId } from '../platforms/platform.ts'

/** So many findings stand in the morning's mail; the page has them all. */
const mailedFindings = 10

/** What the coming week looks like, in a sentence. */
export function forecastWords(red: number, amber: number): string {
  const posts = (count: number) => `${count} ${count === 1 ? 'post' : 'posts'}`
  if (red === 0) return `${posts(amber)} of the next seven days ${amber === 1 ? 'needs' : 'need'} a look.`
  const also = amber > 0 ? `, and ${amber} more ${amber === 1 ? 'needs' : 'need'} a look` : ''
  return `${posts(red)} of the next seven days ${red === 1 ? 'does' : 'do'} not go out as ${red === 1 ? 'it is' : 'they are'}${also}.`
}

/** The first few of them, each with its reason and cure. */
export async function forecastLines(scope: Scope): Promise<string[]> {
  const warned = await warnedJobs(scope, mailedFindings)
  return warned.map(({ job, findings }) => {
    const [first] = findings
    const at = job.local.replace('T', ' at ')
    return `${at} (${job.zone}), ${accountName({ name: job.account.name, platform: job.account.platform })}: “${shorten(job.text)}” ${first?.reason ?? ''} ${first?.cure ?? ''}`.trim()
  })
}

/** What a notification says of a job; null when the job is gone. */
export async function jobWords(scope: Scope, id: string) {
  const [row] = await scope.sql`
    select left(case when j.first_comment_of is null then v.text else v.first_comment end, 200) as text, a.name, a.platform,
      (select u.id from users u where u.id = j.created_by and u.removed_at is null) as created_by
    from publish_jobs j join content_versions v on v.id = j.version_id join social_accounts a on a.id = j.account_id
    where j.id = ${id}`
  return row
    ? {
        words: shorten(row.text as string),
        account: accountName(row),
        createdBy: row.created_by as string | null,
      }
    : null
}

/** What a notification says of a piece; null when the piece is gone. */
export async function contentWords(scope: Scope, id: string) {
  const [row] = await scope.sql`
    select left(v.text, 200) as text, (select u.id from users u where u.id = c.created_by and u.removed_at is null) as created_by
    from content c join content_versions v on v.id = c.version_id where c.id = ${id}`
  return row ? { words: shorten(row.text as string), createdBy: row.created_by as string | null } : null
}

/** Who did it. */
export async function actorName(scope: Scope): Promise<string> {
  const [row] = scope.actor.userId
    ? await scope.sql`select name from users where id = ${scope.actor.userId}`
    : []
  return (row?.name as string | undefined) ?? 'Somebody'
}

/** `northwind (Mastodon)`; an account that is called like its platform is named once. */
export function accountName({ name, platform }: { name?: string; platform?: PlatformId }): string {
  const network = platform ? platforms[platform].name : ''
  return name === network ? network : `${name} (${network})`
}

/** The first words, in a line. */
export function shorten(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ')
  const characters = [...line]
  return characters.length > 70 ? `${characters.slice(0, 70).join('').trimEnd()}…` : line || 'no words'
}
