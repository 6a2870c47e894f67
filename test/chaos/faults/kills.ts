/** Faults 1 to 5: processes that are killed, ended and stopped. */
import type { Accepted, Told } from '../check.ts'
import { type Play, planOne, until, usualWishes, type Wish } from '../plan.ts'
import { places } from '../processes.ts'
import type { Rig } from '../rig.ts'
import { type Fault, takenOverMs } from './fault.ts'

/** Every step at which the worker can be killed by name (`crashPoint` in src/jobs). */
const steps = [
  'after-claim',
  'before-arm',
  'after-arm',
  'after-step',
  'after-send',
  'before-record',
  'after-record',
] as const

/** Platforms that take their time, before they take a post or after: many sends are under way at once. */
const slowed = (rig: Rig, wishes: readonly Wish[]): Wish[] =>
  wishes.map((wish, n) =>
    rig.platforms.has(wish.account.place)
      ? { ...wish, meets: { is: 'slow', ms: 3_000, when: n % 3 === 0 ? 'before' : 'after' } }
      : wish,
  )

/** The platform has the call, before or after it took the post: whoever made it dies unanswered. */
function strikeCallers(rig: Rig, posts: readonly Accepted[], struck: (at: number) => void): void {
  for (const [n, { texts }] of posts.entries())
    rig.platforms.meet(texts[0] ?? '', {
      is: 'strike',
      when: n % 2 === 0 ? 'after' : 'before',
      strike(port) {
        const at = rig.processes.callingFrom(port)
        if (at < 0) return
        rig.processes.all[at]?.child.kill('SIGKILL')
        struck(at)
      },
    })
}

/** A machine that is slow at starting processes gets longer, and more posts. */
const mostMs = 60_000

export const killedAtSteps: Fault = {
  number: 1,
  name: 'kill -9 at each step of publishing, and while the platform has the call',
  mostLateMs: takenOverMs,
  async play(rig, play) {
    const { processes } = rig
    const left = steps.map(step => ({ step, at: play.random() })).sort((a, b) => a.at - b.at)
    const reached: string[] = []
    const end = play.from + mostMs
    let unanswered = 0
    const restarts: Promise<void>[] = []
    // None that may be gone before it is struck.
    const soon = Math.max(Date.now(), play.from) + 1_000
    // The last process has no step of its own: it dies at the platform's word.
    strikeCallers(
      rig,
      rig.posts.filter(({ place, dueAt }) => rig.platforms.has(place) && dueAt > soon).slice(0, 6),
      at => {
        unanswered++
        if (at === 3) restarts.push(processes.end(3, 'SIGKILL').then(() => processes.start(3)))
      },
    )
    const lane = async (at: number) => {
      for (let next = left.shift(); next; next = left.shift()) {
        await processes.end(at, 'SIGKILL')
        const before = unanswered
        await processes.start(at, { crashAt: next.step })
        const died = await Promise.race([
          processes.all[at]?.child.exited.then(() => true),
          until(end).then(() => false),
        ])
        if (!died) break
        if (unanswered === before) reached.push(next.step)
        else left.push(next)
      }
      await processes.end(at, 'SIGKILL')
      await processes.start(at)
    }
    const lanes = Promise.all([0, 1, 2].map(lane))
    await Promise.all([lanes, planMore(rig, play, lanes)])
    rig.platforms.clear()
    await Promise.all(restarts)
    // What died by a strike while its lane was at its end.
    await processes.revive()
    return {
      times: reached.length + unanswered,
      words: `${reached.length} of ${steps.length} steps, ${unanswered} calls unanswered`,
    }
  },
}

/** When the usual posts are over and `work` is not, there are more. */
async function planMore(rig: Rig, { name, from, overMs }: Play, work: Promise<unknown>): Promise<void> {
  let going = true
  const over = work.finally(() => {
    going = false
  })
  await Promise.race([over, until(from + overMs - 2_000)])
  for (let round = 0; going; round++) {
    for (const [n, tenant] of rig.tenants.entries()) {
      const account = tenant.accounts[(round + n) % tenant.accounts.length]
      const text = `${name} ${tenant.slug} more ${round}`
      if (going && account) await planOne(rig, { tenant, account, text, dueAt: Date.now(), pictures: 0 })
    }
    await Promise.race([over, Bun.sleep(1_000)])
  }
}

export const killedInRequests: Fault = {
  number: 2,
  name: 'kill -9 of the API in a request, before and after its COMMIT',
  mostLateMs: takenOverMs,
  async play(rig, play) {
    const { processes } = rig
    let times = 0
    for (let round = 0; round < 8; round++) {
      const at = round % 4
      const tenant = rig.tenants[round % rig.tenants.length]
      const account = tenant?.accounts[round % 5]
      if (!tenant || !account) break
      const text = `${play.name} ${tenant.slug} asked ${round}`
      // What only that request's transaction sends: nobody else plans meanwhile.
      const mark = round % 3 === 0 ? text : 'publish_job.scheduled'
      let died: Promise<void> | null = null
      processes.lines[at]?.commits(sent => {
        if (died || !sent.includes(mark)) return null
        return {
          when: round % 2 === 0 ? 'before' : 'after',
          broken() {
            times++
            died = processes.end(at, 'SIGKILL')
          },
        }
      })
      await planOne(rig, { tenant, account, text, dueAt: play.from, pictures: 0 }, { first: at })
      processes.lines[at]?.commits(null)
      await died
      if (died) await processes.start(at)
    }
    const told: Told[] = []
    for (const tenant of rig.tenants) {
      const twice = await rig.inside(
        tenant,
        ({ sql }) => sql`
          select v.text, count(distinct c.id)::int as times from content c join content_versions v on v.content_id = c.id
          where v.text like ${`${play.name} %`} group by v.text having count(distinct c.id) > 1`,
      )
      for (const row of twice)
        told.push(['DOUBLE', `${row.text} was written ${row.times} times with one key`])
    }
    return { times, told }
  },
}

export const allKilled: Fault = {
  number: 3,
  name: 'kill -9 of all processes at once, away for eight seconds',
  mostLateMs: takenOverMs,
  async play({ processes }, { from, overMs }) {
    await until(from + overMs / 3)
    await Promise.all(places.map(at => processes.end(at, 'SIGKILL')))
    await Bun.sleep(8_000)
    await Promise.all(places.map(at => processes.start(at)))
    return { times: 4 }
  },
}

export const ended: Fault = {
  number: 4,
  name: 'SIGTERM under load; a second one; SIGTERM, then kill -9',
  mostLateMs: takenOverMs,
  wishes: (rig, play, { posts }) => slowed(rig, usualWishes(rig, { ...play, overMs: 2_000 }, posts)),
  async play(rig, { from }) {
    const { processes } = rig
    await until(from + 1_500)
    const told: Told[] = []
    let inFlight = 0
    const end = async (at: number, then?: () => Promise<void>) => {
      const child = processes.all[at]?.child
      if (!child) return
      const open = await openAttemptsOf(rig, child.pid)
      inFlight += open
      const began = Date.now()
      child.kill('SIGTERM')
      await then?.()
      await child.exited
      if (Date.now() - began > 35_000)
        told.push(['ZOMBIE', `process ${at + 1} took ${Date.now() - began} ms to end`])
      const after = await claimsAfter(rig, child.pid, new Date(began + 1_000))
      if (after > 0) told.push(['ZOMBIE', `process ${at + 1} claimed ${after} after its SIGTERM`])
      await processes.start(at)
    }
    await Promise.all([
      end(0),
      end(1, async () => {
        await Bun.sleep(1_000)
        processes.all[1]?.child.kill('SIGTERM')
      }),
      end(2, async () => {
        await Bun.sleep(1_500)
        processes.all[2]?.child.kill('SIGKILL')
      }),
    ])
    return { times: 4, words: `${inFlight} posts in flight at the first`, told }
  },
}

/** The worker's name holds its process's id. */
async function attemptsWhere(rig: Rig, pid: number, since: Date | null): Promise<number> {
  const counts = await Promise.all(
    rig.tenants.map(tenant =>
      rig.inside(
        tenant,
        ({ sql }) => sql`
          select count(*)::int as n from publish_attempts where worker like ${`%:${pid}:%`}
            and (${since}::timestamptz is null and ended_at is null or started_at > ${since}::timestamptz)`,
      ),
    ),
  )
  return counts.reduce((sum, [row]) => sum + (row?.n as number), 0)
}
const openAttemptsOf = (rig: Rig, pid: number) => attemptsWhere(rig, pid, null)
const claimsAfter = attemptsWhere

export const stopped: Fault = {
  number: 5,
  name: 'SIGSTOP of two processes beyond their leases, while they send; then SIGCONT',
  mostLateMs: takenOverMs,
  wishes: (rig, play, { posts }) => slowed(rig, usualWishes(rig, play, posts)),
  async play(rig, { from, overMs }) {
    await until(from + overMs / 3)
    const two = rig.processes.all.slice(0, 2)
    const inFlight = await Promise.all(two.map(({ child }) => openAttemptsOf(rig, child.pid)))
    for (const { child } of two) child.kill('SIGSTOP')
    await Bun.sleep(23_500)
    for (const { child } of two) child.kill('SIGCONT')
    return { times: 2, words: `${inFlight.reduce((a, b) => a + b, 0)} posts in flight` }
  },
}
