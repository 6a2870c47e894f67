/** Fault 32: the database of a while ago put back, when more has gone out since. */
import type { Told } from '../check.ts'
import { planOne, tenantAt, until, type Wish } from '../plan.ts'
import { networks } from '../platforms.ts'
import type { Rig, Tenant } from '../rig.ts'
import { type Fault, takenOverMs } from './fault.ts'

const each = 3
const [soonMs, laterMs] = [12_000, 75_000]

interface Planned {
  tenant: Tenant
  job: string
  place: string
  text: string
}

/** With nobody in it, whoever was. */
async function alone(rig: Rig, work: () => Promise<unknown>): Promise<void> {
  await rig.admin.unsafe('alter database chaos allow_connections false')
  await rig.admin.unsafe(`select pg_terminate_backend(pid) from pg_stat_activity where datname = 'chaos'`)
  for (let tries = 0; ; tries++)
    try {
      await work()
      return
    } catch (error) {
      // Who was ended takes a moment to be gone.
      if (tries === 50) throw error
      await Bun.sleep(100)
    }
}

async function copy(rig: Rig): Promise<void> {
  await alone(rig, () => rig.admin.unsafe('create database kept template chaos owner desk_owner'))
  await rig.admin.unsafe('alter database chaos allow_connections true')
}

async function putBack(rig: Rig): Promise<void> {
  await alone(rig, () => rig.admin.unsafe('alter database chaos rename to former'))
  await rig.admin.unsafe('alter database kept rename to chaos')
  await rig.admin.unsafe('drop database former with (force)')
}

async function killAll({ processes }: Rig): Promise<void> {
  await Promise.all(processes.all.map((_, at) => processes.end(at, 'SIGKILL')))
}

export const restored: Fault = {
  number: 32,
  name: 'the database of a while ago put back by its own tools, when more has gone out since',
  mostLateMs: takenOverMs,
  wishes: () => [],
  async play(rig, { name }) {
    const began = Date.now()
    const plan = async (what: string, dueAt: number): Promise<Planned[]> => {
      const all = networks.flatMap((network, nth) =>
        Array.from({ length: each }, (_, n): Wish => {
          const tenant = tenantAt(rig, nth * each + n)
          const account = tenant.accounts.find(one => one.network === network)
          if (!account) throw new Error(`${tenant.slug} has no account at ${network}`)
          return { tenant, account, text: `apart ${name} ${what} ${network} ${n}`, dueAt, pictures: 0 }
        }),
      )
      const posts = await Promise.all(all.map(wish => planOne(rig, wish)))
      return all.map(({ tenant, account, text }, n) => ({
        tenant,
        text,
        place: account.place,
        job: posts[n]?.job ?? '',
      }))
    }
    const since = await plan('since', began + soonMs)
    const later = await plan('later', began + laterMs)
    // Counted here: a person who sees a post out there calls off what the database believes is to be sent.
    rig.posts = []
    await killAll(rig)
    await copy(rig)
    await rig.processes.startAnew()
    const all = [...since, ...later]
    const stateOf = async ({ tenant, job }: Planned): Promise<string> =>
      (await rig.ask(tenant, 'GET', `/publish-jobs/${job}`)).body.state
    const wait = async (posts: readonly Planned[], state: string) => {
      const deadline = Date.now() + takenOverMs
      for (;;) {
        const others = (await Promise.all(posts.map(stateOf))).filter(one => one !== state)
        if (others.length === 0 || Date.now() > deadline) return others
        await Bun.sleep(250)
      }
    }
    const told: Told[] = []
    for (const state of await wait(since, 'published'))
      told.push(['LOST', `before the restore one is ${state}`])
    await killAll(rig)
    await putBack(rig)
    rig.command('restore', 'mark')
    await rig.processes.startAnew()
    // Long enough for whoever would send them unasked.
    await Bun.sleep(5_000)
    for (const state of await wait(since, 'held')) told.push(['LIE', `after the restore one is ${state}`])
    const shown = await timesShown(rig)
    for (const { tenant, job, text } of since) {
      const out = (shown.get(text) ?? 0) > 0
      const answer = await (out
        ? rig.ask(tenant, 'DELETE', `/publish-jobs/${job}`)
        : rig.ask(tenant, 'POST', `/publish-jobs/${job}/resolution`, { body: { as: 'retry' } }))
      if (answer.status !== 200) told.push(['LOST', `${text}: ${answer.status} to who decided on it`])
    }
    await until(began + laterMs)
    for (const state of await wait(later, 'published'))
      told.push(['LOST', `after the restore one is ${state}`])
    const end = await timesShown(rig)
    for (const { text } of all) {
      const times = end.get(text) ?? 0
      if (times !== 1) told.push([times === 0 ? 'LOST' : 'DOUBLE', `${text} is shown ${times} times`])
    }
    return { times: since.length, words: `${since.length} out since, ${later.length} later`, told }
  },
}

async function timesShown(rig: Rig): Promise<Map<string, number>> {
  const times = new Map<string, number>()
  for (const { text } of await rig.shown()) times.set(text, (times.get(text) ?? 0) + 1)
  return times
}
