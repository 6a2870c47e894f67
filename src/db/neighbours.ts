import type { Log } from '../lib/log.ts'
import { type Hint, hintChannel, readMessage, writeMessage } from './hints.ts'
import type { Sql } from './pool.ts'

/** How often a process looks who else is there. A newcomer also says so itself, at once. */
const lookEveryMs = 5_000

/** The processes that work on one database, seen from one of them. */
export interface Neighbours {
  /** Since when this process has been the only one, by its own clock; null while there are others. */
  aloneSince(): number | null
  /** Whether this process does what only one of them shall do: the one that has been there longest does. */
  leads(): Promise<boolean>
  /** Sends hints to the others. @throws what the database says when it does not answer */
  tell(hints: readonly Hint[]): Promise<void>
  leave(): Promise<void>
}

export interface Heard {
  hints(hints: readonly Hint[]): void
  /** The connection was lost for a while: what was said meanwhile was not heard. */
  missed(): void
}

/**
 * Joins the processes of this database. Each keeps one LISTEN connection, and listens last on a channel of its own
 * name: so `pg_stat_activity` says who is there, and a process that is killed is gone from it with its connection.
 *
 * @param owner direct, never through a transaction pooler: LISTEN belongs to a session
 * @param id of this process: letters and digits
 */
export async function joinNeighbours(owner: Sql, id: string, heard: Heard, log: Log): Promise<Neighbours> {
  let aloneSince: number | null = Date.now()
  let joined = false

  async function present(): Promise<string[]> {
    const rows = await owner`
      select substring(query from '"masthead_process_(\\w+)"') as id from pg_stat_activity
      where datname = current_database() and query like 'listen "masthead_process_%'
      order by backend_start, pid`
    return rows.map(row => row.id as string)
  }
  function others(some: boolean): void {
    if (some === (aloneSince === null)) return
    aloneSince = some ? null : Date.now()
    log.info(some ? 'another process works on this database too' : 'the other processes have left')
  }
  const look = async () => others((await present()).some(one => one !== id))

  const hints = await owner.listen(
    hintChannel,
    text => {
      const message = readMessage(text)
      if (!message || message.from === id) return
      if (message.from !== 'command') others(true)
      heard.hints(message.hints)
    },
    () => {
      if (joined) heard.missed()
    },
  )
  const name = await owner.listen(`masthead_process_${id}`, () => {})
  joined = true
  await look()
  await tell([])
  const timer = setInterval(
    () => look().catch(error => log.debug('the other processes could not be counted', { error })),
    lookEveryMs,
  )
  timer.unref()

  async function tell(told: readonly Hint[]): Promise<void> {
    await owner`select pg_notify(${hintChannel}, ${writeMessage(id, told)})`
  }

  return {
    aloneSince: () => aloneSince,
    leads: async () => (await present())[0] === id,
    tell,
    async leave() {
      clearInterval(timer)
      await Promise.all([hints.unlisten(), name.unlisten()]).catch(error =>
        log.debug('a channel could not be left', { error }),
      )
    },
  }
}
