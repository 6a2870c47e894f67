/** Faults 12, 13, 23 and 30: Redis, clocks, and people who change their minds or plan much. */
import type { Told } from '../check.ts'
import { accountAt, until, usualWishes } from '../plan.ts'
import { places } from '../processes.ts'
import { type Fault, takenOverMs } from './fault.ts'

export const redisAway: Fault = {
  number: 12,
  name: 'Redis slow, flushed, and away',
  mostLateMs: takenOverMs,
  async play({ redis }, { from, overMs }) {
    if (!redis) return { times: 0 }
    await until(from)
    redis.line.latency(500)
    await until(from + overMs / 3)
    await redis.flush()
    redis.line.latency(0)
    redis.line.swallow('all')
    await until(from + overMs)
    redis.line.pass()
    redis.line.cut()
    return { times: 3 }
  },
}

const hour = 3_600_000

export const clocks: Fault = {
  number: 13,
  name: 'process clocks an hour ahead, an hour behind, and one that jumps',
  mostLateMs: takenOverMs,
  async play({ processes }, { from, overMs }) {
    const wrong = [{ ms: hour }, { ms: -hour }, { ms: hour, from: from + overMs / 2 }]
    await Promise.all(
      wrong.map(async (skew, at) => {
        await processes.end(at, 'SIGKILL')
        await processes.start(at, { skew })
      }),
    )
    await until(from + overMs)
    const told: Told[] = []
    for (const at of [0, 1]) {
      const answer = await fetch(`${processes.all[at]?.address}/readyz`).then(
        reply => reply.text(),
        error => String(error),
      )
      if (!/clock/.test(answer))
        told.push(['ZOMBIE', `process ${at + 1} does not say that its clock is wrong: ${answer}`])
    }
    return { times: wrong.length, told }
  },
  async after({ processes }) {
    for (const at of places.slice(0, 3)) {
      await processes.end(at, 'SIGKILL')
      await processes.start(at)
    }
  },
}

export const changed: Fault = {
  number: 23,
  name: 'cancelled and edited within 50 ms of the moment',
  mostLateMs: takenOverMs,
  async play(rig, { random }) {
    let [cancelled, edited, tooLate] = [0, 0, 0]
    const touched = rig.posts.map(post => ({ post, roll: random(), shift: random() * 100 - 50 }))
    await Promise.all(
      touched.map(async ({ post, roll, shift }) => {
        const tenant = rig.tenants.find(({ slug }) => slug === post.tenant)
        if (!tenant) return
        const job = await rig.ask(tenant, 'GET', `/publish-jobs/${post.job}`)
        await until(post.dueAt + shift)
        if (roll < 0.5) {
          const answer = await rig.ask(tenant, 'DELETE', `/publish-jobs/${post.job}`)
          if (answer.status !== 200 || answer.body.state !== 'cancelled') tooLate++
          else {
            post.cancelledAt = Date.now()
            cancelled++
          }
        } else {
          const text = `${post.texts[0]} changed`
          post.texts = [...post.texts, text]
          await rig.ask(tenant, 'PATCH', `/content/${job.body.contentId}`, { body: { text } })
          edited++
        }
      }),
    )
    return {
      times: cancelled + edited,
      words: `${cancelled} cancelled, ${tooLate} too late, ${edited} edited`,
    }
  },
}

/** So many posts of one workspace at one instant. */
const many = 300

export const noisy: Fault = {
  number: 30,
  name: `one workspace with ${many} posts at one instant`,
  mostLateMs: takenOverMs,
  wishes(rig, play, { posts }) {
    const [loud] = rig.tenants
    if (!loud) throw new Error('no workspaces')
    const quiet = usualWishes(rig, play, posts).filter(({ tenant }) => tenant !== loud)
    const account = accountAt(loud, 'rehearsal')
    const crowd = Array.from({ length: many }, (_, n) => ({
      tenant: loud,
      account: loud.accounts[n % loud.accounts.length] ?? account,
      text: `${play.name} ${loud.slug} ${n}`,
      dueAt: play.from,
      pictures: 0,
    }))
    return [...quiet, ...crowd]
  },
  async play(rig, { from, overMs }) {
    for (const post of rig.posts) if (post.tenant !== rig.tenants[0]?.slug) post.clearAt = 0
    await until(from + overMs)
    return { times: many }
  },
}
