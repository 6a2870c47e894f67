import type { Actor, Scope } from '../db/scope.ts'
import { newId } from '../lib/id.ts'
import type { Journal } from '../platforms/platform.ts'
import type { Services } from '../services.ts'

/** The rehearsal network's memory: one row a post, unique by account and key. */
export function rehearsalJournal(
  services: Pick<Services, 'db'>,
  actor: Actor,
  accountId: string,
  page: string,
): Journal {
  const entry = (scope: Scope, key: string) =>
    scope.sql`select id from rehearsal_posts where account_id = ${accountId} and key = ${key}`
  const told = (rows: readonly Record<string, unknown>[]) =>
    rows[0] ? { id: rows[0].id as string, url: `${page}#arrived-${rows[0].id}` } : null
  return {
    arrive: ({ key, text, images }) =>
      services.db.within(actor, async scope => {
        await scope.sql`
          insert into rehearsal_posts (id, account_id, key, text, images)
          values (${newId()}, ${accountId}, ${key}, ${text}, ${scope.sql.json(images)})
          on conflict (account_id, key) do nothing`
        const arrived = told(await entry(scope, key))
        if (!arrived) throw new Error('The rehearsal network did not keep the post')
        return arrived
      }),
    find: key => services.db.within(actor, async scope => told(await entry(scope, key))),
  }
}
