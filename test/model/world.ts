/**
 * One publish job, two lanes of workers, a person and a platform, for the model check. Rows, claims, sends, records and
 * people's moves are the real ones on a real database; the platform and the passing of time are played.
 */
import { archiveContent, saveContent } from '../../src/content/content.ts'
import type { Scope } from '../../src/db/scope.ts'
import { Conflict } from '../../src/errors.ts'
import { newId } from '../../src/lib/id.ts'
import { platforms } from '../../src/platforms/index.ts'
import type { Finding, Outcome, Platform, Post, Sending } from '../../src/platforms/platform.ts'
import { cancelJob, moveJob, resolveJob } from '../../src/publishing/moves.ts'
import type { House } from '../cast.ts'
import { CalledBy, Lane } from './lane.ts'

/** `keyed`: a repeat is known by its key. `looked`: no key, but one can look. `blind`: neither. */
export type Class = 'keyed' | 'looked' | 'blind'
export type Wish = 'cancel' | 'edit' | 'archive' | 'publish now' | 'move away'

export interface Bounds {
  platform: Class
  /** Whether the claim arms, or the send does by itself. */
  direct: boolean
  /** What people do, each once, at any moment. */
  wishes: readonly Wish[]
  /** How many workers may be killed. */
  kills: number
  /** How often so much time may pass that leases and waits are over. */
  lapses: number
}

const leaseMs = 21_000
// A code that the catalogue has: any other would be a question by itself.
const why = { code: 'answer_lost', message: 'As the model has it.', next: 'Nothing to do.' }
const text = { old: 'As it was planned', new: 'As it was changed' }

/** What the database and everybody else look like between two steps. */
export interface Look {
  state: string
  heldFor: string | null
  due: boolean
  lapsed: boolean
  leased: boolean
  tries: number
  version: 'old' | 'new'
  attempts: string
}

export class World {
  lanes: Lane[] = []
  /** What the platform shows, each by the words that it carries. */
  shown: ('old' | 'new')[] = []
  /** What went wrong that no state would tell. */
  wrong: string[] = []
  #bounds: Bounds = { platform: 'keyed', direct: false, wishes: [], kills: 0, lapses: 0 }
  #kills = 0
  #lapses = 0
  #wishes = new Set<Wish>()
  #answers: string[] = []
  #ids = { content: '', job: '' }
  #ageMs = 0
  #resolved = false

  private constructor(
    private readonly house: House,
    private readonly account: string,
    private readonly restore: () => void,
  ) {}

  static async open(house: House): Promise<World> {
    const made = await house.alice.api('POST', '/accounts', { platform: 'rehearsal', settings: {} })
    const { publish, reconcile, direct } = platforms.rehearsal
    const { now } = performance
    const { sleep } = Bun
    const world = new World(house, made.body.id as string, () => {
      Object.assign(platforms.rehearsal, { publish, reconcile, direct })
      performance.now = now
      Bun.sleep = sleep
    })
    Object.assign(platforms.rehearsal, world.#platform())
    performance.now = () => now.call(performance) + world.#ageMs
    // Only the pauses between two looks sleep here.
    Bun.sleep = async () => {}
    return world
  }

  close(): void {
    this.restore()
  }

  #inside<T>(work: (scope: Scope) => Promise<T>): Promise<T> {
    const { tenant, id } = this.house.alice
    return this.house.services.db.within({ tenantId: tenant.id, userId: id, role: 'owner' }, work)
  }

  /** A new job, due now, and nobody at work. */
  async begin(bounds: Bounds): Promise<void> {
    const former = this.#ids.job
    this.#bounds = bounds
    this.#ids = { content: newId(), job: newId() }
    this.#kills = bounds.kills
    this.#lapses = bounds.lapses
    this.#wishes = new Set(bounds.wishes)
    this.#answers = []
    this.#resolved = false
    this.shown = []
    this.wrong = []
    this.lanes = ['one', 'two'].map(name => new Lane(name, this.house.services, this.house.alice))
    const { content, job } = this.#ids
    await this.#inside(({ sql }) =>
      Promise.all([
        former && sql`delete from publish_jobs where id = ${former}`,
        sql`insert into content (id, version_id, state) values (${content}, ${content}, 'draft')`,
        sql`insert into content_versions (id, content_id, number, text) values (${content}, ${content}, 1, ${text.old})`,
        sql`
          insert into publish_jobs (id, content_id, version_id, account_id, state, run_at, local, zone)
          values (${job}, ${content}, ${content}, ${this.account}, 'scheduled', public.clock(), '2026-01-01T00:00', 'UTC')`,
      ]),
    )
  }

  async look(): Promise<Look> {
    const [row] = await this.#inside(
      ({ sql }) => sql`
        select j.state, j.held_for as "heldFor", j.tries, coalesce(j.next_try_at, j.run_at) <= public.clock() as due,
          coalesce(j.lease_until <= public.clock(), false) as lapsed, j.lease_until is not null as leased,
          case when j.version_id = j.content_id then 'old' else 'new' end as version,
          coalesce((select string_agg(case when a.armed_at is null then '' else 'armed ' end || coalesce(a.outcome, 'open')
            || case when a.ended_at is null then '' else ' ended' end, ', ' order by a.number)
            from publish_attempts a where a.job_id = j.id), '') as attempts
        from publish_jobs j where j.id = ${this.#ids.job}`,
    )
    return row as Look
  }

  /** Everything that could happen next, by name, in a fixed order. */
  actions(look: Look): string[] {
    const can: string[] = []
    const claimable = (look.state === 'scheduled' && look.due) || (look.state === 'publishing' && look.lapsed)
    for (const [at, lane] of this.lanes.entries()) {
      // The lanes are alike: while both are idle the first one claims.
      const twin = at > 0 && !this.lanes[0]?.busy
      if (!lane.busy && claimable && !twin) can.push(`${lane.name} claims`)
      for (const choice of lane.gate?.choices ?? []) can.push(`${lane.name} ${lane.gate?.at}: ${choice}`)
      if (lane.busy && this.#kills > 0) can.push(`${lane.name} is killed`)
    }
    if (this.#lapses > 0 && this.#canLapse(look)) can.push('time passes')
    for (const wish of this.#wishes) can.push(`person: ${wish}`)
    return can
  }

  /** Arming tells in time or not at all, so between its answer and the call that publishes no 20 s pass. */
  #canLapse(look: Look): boolean {
    if (this.lanes.some(({ gate }) => gate?.at === 'send')) return false
    return (look.state === 'publishing' && !look.lapsed) || (look.state === 'scheduled' && !look.due)
  }

  async perform(action: string): Promise<void> {
    const [who = '', ...rest] = action.split(' ')
    const lane = this.lanes.find(({ name }) => name === who)
    if (lane) {
      if (rest[0] === 'claims') await lane.claim()
      else if (rest.at(-1) === 'killed') {
        this.#kills -= 1
        await lane.kill()
      } else await lane.go(rest.at(-1) ?? '')
    } else if (action === 'time passes') {
      this.#lapses -= 1
      await this.pass()
    } else {
      const wish = action.slice('person: '.length) as Wish
      this.#wishes.delete(wish)
      this.#answers.push(`${wish} ${await this.#wish(wish)}`)
    }
  }

  /** So much time goes by, for everybody, that a lease is over and a wait is too. */
  async pass(): Promise<void> {
    this.#ageMs += leaseMs
    await this.#inside(
      ({ sql }) => sql`
        update publish_jobs set run_at = least(run_at, public.clock()),
          lease_until = least(lease_until - ${leaseMs} * interval '1 millisecond', public.clock()),
          next_try_at = least(next_try_at, public.clock()) where id = ${this.#ids.job}`,
    )
  }

  async #wish(wish: Wish): Promise<string> {
    const { job, content } = this.#ids
    try {
      return await this.#inside(async scope => {
        if (wish === 'edit') await saveContent(scope, content, { text: text.new })
        else if (wish === 'archive') await archiveContent(scope, content)
        else if (wish === 'cancel') return (await cancelJob(scope, job)).state
        else
          await moveJob(
            scope,
            job,
            wish === 'publish now' ? { now: true } : { at: new Date(Date.now() + 3_600_000).toISOString() },
          )
        return 'done'
      })
    } catch (error) {
      if (error instanceof Conflict) return 'refused'
      throw error
    }
  }

  /** What tells this state from another one; who is in the same state will do the same. */
  key(look: Look): string {
    const lanes = this.lanes.map(({ busy, gate, met }) => (busy ? `${gate?.at} ${met.join('/')}` : ''))
    const rest = [this.#kills, this.#lapses, [...this.#wishes], this.#answers, this.shown]
    return JSON.stringify([look, lanes.sort(), rest])
  }

  /** Ends a run half-way: whoever is still at work dies. */
  async abandon(): Promise<void> {
    for (const lane of this.lanes) while (lane.busy) await lane.kill()
  }

  /** Everybody left alive ends, then new workers on a platform that answers bring the job to its end. */
  async drain(): Promise<Look> {
    for (const lane of this.lanes) while (lane.busy) await lane.go(lane.gate?.choices[0] ?? '')
    for (let round = 0; round < 20; round++) {
      const look = await this.look()
      if (look.state === 'unconfirmed' && this.#bounds.platform !== 'blind' && !this.#resolved)
        await this.#resolve()
      else if (!['scheduled', 'publishing'].includes(look.state)) return look
      await this.pass()
      const lane = this.lanes[0]
      if (await lane?.claim()) while (lane?.busy) await lane.go(lane.gate?.choices[0] ?? '')
    }
    return this.look()
  }

  /** A person who has looked tells the truth. */
  async #resolve(): Promise<void> {
    this.#resolved = true
    // Who called it off does not have it sent again.
    if (this.#answers.some(answer => answer.startsWith('cancel un') || answer.startsWith('archive'))) return
    const resolution = this.shown.length > 0 ? ({ as: 'published' } as const) : ({ as: 'retry' } as const)
    await this.#inside(scope => resolveJob(scope, this.#ids.job, resolution))
  }

  /** Every sentence that is not true of how it ended. */
  async verdict(look: Look): Promise<string[]> {
    const wrong = [...this.wrong]
    const says = (is: boolean, what: string) => void (is || wrong.push(what))
    const shown = this.shown.length
    const published = await this.#inside(
      ({ sql }) =>
        sql`select id from events where subject_id = ${this.#ids.job} and type = 'publish_job.published'`,
    )
    says(shown <= 1, `DOUBLE: shown ${shown} times`)
    says(!['scheduled', 'publishing'].includes(look.state), `LOST: ended as ${look.state}`)
    says(look.state !== 'published' || shown === 1, `LIE: published, and shown ${shown} times`)
    says(
      !['cancelled', 'failed', 'held'].includes(look.state) || shown === 0,
      `LIE: ${look.state}, and it is there`,
    )
    says(
      published.length === (look.state === 'published' ? 1 : 0),
      `LIE: told ${published.length} times as published`,
    )
    says(
      look.state !== 'published' || this.shown[0] === look.version,
      `WRONG: ${this.shown[0]} went out, ${look.version} is noted`,
    )
    const open = look.attempts
      .split(', ')
      .filter(one => one.includes('open') || (one && !one.includes('ended')))
    says(open.length === 0, `LOST: an attempt has no end (${look.attempts})`)
    return wrong
  }

  #platform(): Pick<Platform, 'publish' | 'reconcile' | 'direct'> {
    const laneOf = async (sending: Sending) => {
      const caller = await sending.fetch('https://there.example').catch((error: unknown) => error)
      if (!(caller instanceof CalledBy) || !this.lanes.includes(caller.lane))
        throw new Error('a lane of an earlier run')
      return caller.lane
    }
    return {
      direct: () => this.#bounds.direct,
      publish: async (_account, post, sending) => {
        const lane = await laneOf(sending)
        lane.arming = true
        await sending.arm().finally(() => {
          lane.arming = false
        })
        const fate = await lane.hold('send', ['taken', 'refused', 'swallowed'])
        if (fate === 'refused') return { is: 'retry', why, afterMs: 1_000 }
        if (fate === 'taken') this.#take(post)
        const answer = fate === 'taken' ? await lane.hold('answer', ['answered', 'lost']) : 'lost'
        return answer === 'answered' ? arrived : this.#lost()
      },
      reconcile: async (_account, _post, sending): Promise<Finding> => {
        if (this.#bounds.platform === 'blind') return { is: 'unconfirmed', why }
        const lane = await laneOf(sending)
        // The second and third look of a series tell nothing new in a world that shows a post at once.
        const looked = lane.met.at(-1)?.startsWith('look')
        if (!looked && (await lane.hold('look', ['truth', 'broken'])) === 'broken')
          throw new Error('looking broke')
        return this.shown.length > 0 ? arrived : { is: 'absent' }
      },
    }
  }

  #lost(): Outcome {
    return this.#bounds.platform === 'keyed'
      ? { is: 'retry', why, perhaps: true }
      : { is: 'unconfirmed', why }
  }

  #take(post: Post): void {
    if (this.#answers.includes('cancel cancelled'))
      this.wrong.push('DOUBLE: sent after the cancel was answered')
    if (this.#bounds.platform === 'keyed' && this.shown.length > 0) return
    this.shown.push(post.text === text.old ? 'old' : 'new')
  }
}

const arrived = { is: 'published', remoteId: 'there', remoteUrl: null } as const
