import type { Database } from '../db/database.ts'
import {
  type KeyState,
  keyStates,
  noteResealed,
  prepareKey,
  spreadLeftMs,
  spreadMs,
  useNextKey,
} from '../db/keys.ts'
import { NotFound } from '../errors.ts'
import { type Pass, resealBatch, type Unreadable } from './reseal.ts'
import { sealedColumns } from './sealed.ts'

/** Shows how far a step is: what is done, of how many, in which unit. */
export type Show = (
  what: string,
  total: number,
  unit: string,
) => {
  at(done: number): void
  end(): void
}

export interface Rotation {
  /** Workspaces whose keys were changed. */
  tenants: number
  /** An earlier run had been cut off: this one finished it, and made no further keys. */
  finished: boolean
  resealed: number
  /** They stay sealed as they were, and their key stays in the ring. */
  unreadable: (Unreadable & { slug: string })[]
  /** Workspaces that are not through; the next run goes on with them. */
  failed: { slug: string; why: string }[]
}

type Resealed = Pick<Rotation, 'resealed' | 'unreadable' | 'failed'>

/**
 * Gives tenants a new data key while the app runs, in as many processes as there are:
 * 1. the next key of every tenant is written down, and then waited for until every process must know it;
 * 2. it becomes the one that seals;
 * 3. what is sealed with a former key is sealed anew, a few rows at a time; and once more when the last process must
 *    have stopped sealing with it.
 * Killed at any point, the next call goes on from what stands in the database. Former keys stay in the ring.
 *
 * @param slug one tenant; null for all
 * @param spread how long a process may go on with the keys it knows; tests shorten it
 */
export async function rotateKeys(
  db: Database,
  secret: string,
  slug: string | null,
  show: Show,
  spread = spreadMs,
): Promise<Rotation> {
  const { owner } = db
  const found = await keyStates(owner, slug)
  const finished = found.some(isSwitched)
  if (!finished)
    await each(found, show('making keys', found.length, 'workspaces'), ({ tenantId }) =>
      prepareKey(owner, secret, tenantId),
    )
  const chosen = (await keyStates(owner, slug)).filter(state => state.next !== null || isSwitched(state))
  const ids = chosen.map(({ tenantId }) => tenantId)
  await waitOut(
    await spreadLeftMs(owner, ids, 'next', spread),
    show,
    'waiting until every process knows the keys',
  )
  await each(chosen, show('switching', chosen.length, 'workspaces'), async ({ tenantId }) => {
    await useNextKey(owner, tenantId)
    db.forgetTenant(tenantId)
  })
  const first = await resealAll(db, chosen, show('sealing anew', chosen.length, 'workspaces'))
  await waitOut(
    await spreadLeftMs(owner, ids, 'switched', spread),
    show,
    'waiting until no process uses a former key',
  )
  const last = await resealAll(
    db,
    chosen,
    show('looking once more', chosen.length, 'workspaces'),
    ({ tenantId }) => noteResealed(owner, tenantId),
  )
  return { tenants: chosen.length, finished, ...last, resealed: first.resealed + last.resealed }
}

/** Its next key is the current one already, and what was sealed before may still be. */
const isSwitched = ({ former }: KeyState): boolean => former.some(({ resealedAt }) => resealedAt === null)

/** @param through called for each tenant in which nothing that lasts is sealed with a former key any more */
async function resealAll(
  db: Database,
  chosen: readonly KeyState[],
  shown: ReturnType<Show>,
  through: (state: KeyState) => Promise<void> = async () => {},
): Promise<Resealed> {
  const sum: Resealed = { resealed: 0, unreadable: [], failed: [] }
  await each(chosen, shown, async state => {
    try {
      const { resealed, unreadable } = await resealTenant(db, state.tenantId)
      sum.resealed += resealed
      sum.unreadable.push(...unreadable.map(one => ({ ...one, slug: state.slug })))
      await through(state)
    } catch (error) {
      // Erased meanwhile: there is nothing left to seal.
      if (error instanceof NotFound) return
      sum.failed.push({ slug: state.slug, why: (error as Error).message })
    }
  })
  return sum
}

async function resealTenant(db: Database, tenantId: string) {
  const actor = { tenantId, userId: null, role: 'system' } as const
  let resealed = 0
  const unreadable: Unreadable[] = []
  for (const column of sealedColumns.filter(({ lasts }) => lasts)) {
    let after: string | null = null
    do {
      const from: string | null = after
      const pass: Pass = await db.within(actor, scope => resealBatch(scope, column, from))
      resealed += pass.resealed
      unreadable.push(...pass.unreadable)
      after = pass.after
    } while (after !== null)
  }
  return { resealed, unreadable }
}

async function each(
  states: readonly KeyState[],
  shown: ReturnType<Show>,
  work: (state: KeyState) => Promise<unknown>,
): Promise<void> {
  for (const [index, state] of states.entries()) {
    await work(state)
    shown.at(index + 1)
  }
  shown.end()
}

async function waitOut(ms: number, show: Show, what: string): Promise<void> {
  if (ms === 0) return
  const seconds = Math.ceil(ms / 1000)
  const shown = show(what, seconds, 'seconds')
  const until = performance.now() + ms
  for (let left = ms; left > 0; left = until - performance.now()) {
    await Bun.sleep(Math.min(1000, left))
    shown.at(Math.min(seconds, Math.round((ms - left) / 1000) + 1))
  }
  shown.end()
}
