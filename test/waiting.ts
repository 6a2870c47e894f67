/** One transaction against another, without luck: held open until its cue, and waited for until it waits. */
import type { Database } from '../src/db/database.ts'
import type { Actor, Scope } from '../src/db/scope.ts'
import { platforms } from '../src/platforms/index.ts'

/** Does `work` in a transaction that stays open until `commit`. */
export async function hold(
  db: Pick<Database, 'within'>,
  actor: Actor,
  work: (scope: Scope) => Promise<unknown>,
) {
  const [done, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const held = db.within(actor, async scope => {
    await work(scope)
    done.resolve()
    await go.promise
  })
  await Promise.race([done.promise, held])
  return {
    async commit() {
      go.resolve()
      await held
    },
  }
}

/** Whether anybody in this database waits for somebody's lock. */
export async function anybodyWaits({ owner }: Pick<Database, 'owner'>): Promise<boolean> {
  const [waits] = await owner`
    select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  return Boolean(waits)
}

export async function until(what: () => Promise<boolean>, ms = 10_000): Promise<void> {
  const end = Date.now() + ms
  while (!(await what())) {
    if (Date.now() > end) throw new Error('It did not come to that in time')
    await Bun.sleep(20)
  }
}

/**
 * From now on every post is armed in a step of its own, after it was claimed, as those are that upload something first.
 * @returns puts it back
 */
export function armLater(): () => void {
  const all = Object.values(platforms)
  const before = all.map(({ direct }) => direct)
  for (const platform of all) platform.direct = () => false
  return () => {
    for (const [at, platform] of all.entries()) {
      const direct = before[at]
      if (direct) platform.direct = direct
      else delete platform.direct
    }
  }
}
