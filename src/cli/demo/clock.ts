import type { Sql } from '../../db/pool.ts'

/** A moved clock falls back to the real time by itself after so long, should the process die before it does that. */
const holdsSeconds = 60

/** The database's clock, moved into the past and forward again step by step; nothing else in the process is fooled. */
export interface MovedClock {
  /** Sets the clock to `at`, or leaves it where it is when it has passed that already. It runs on from there. */
  to(at: Date): Promise<void>
}

/** Works with the database's clock moved; whatever happens, it shows the real time afterwards. */
export async function withMovedClock<T>(owner: Sql, work: (clock: MovedClock) => Promise<T>): Promise<T> {
  const restore = () => restoreClock(owner)
  const onSignal = () => void restore().finally(() => process.exit(1))
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  let shift = Number.NEGATIVE_INFINITY
  try {
    return await work({
      async to(at) {
        shift = Math.min(0, Math.max(shift, at.getTime() - Date.now()))
        await define(
          owner,
          `select case when now() < ''${new Date(Date.now() + holdsSeconds * 1000).toISOString()}''::timestamptz
             then now() - interval ''${Math.round(-shift)} milliseconds'' else now() end`,
        )
      },
    })
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
    await restore()
  }
}

/** Back to the definition of the first migration. */
export const restoreClock = (owner: Sql): Promise<void> => define(owner, 'select now()')

async function define(owner: Sql, body: string): Promise<void> {
  await owner.unsafe(
    `create or replace function public.clock() returns timestamptz language sql stable parallel safe as '${body}'`,
  )
}
