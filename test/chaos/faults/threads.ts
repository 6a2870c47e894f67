/** Fault 22: threads and sets of pictures that break off half-way. */
import type { Fault as Misfortune } from '../../peers/serve.ts'
import type { Told } from '../check.ts'
import { accountAt, planOne, tenantAt, until, type Wish } from '../plan.ts'
import type { Rig } from '../rig.ts'
import { type Fault, repeatedMs } from './fault.ts'

/** Those that put a thread out part by part. */
const partByPart = ['mastodon', 'compatible', 'bluesky'] as const
const broken = 3
const pictures = 4

interface Way {
  row: string
  misfortune(kill: (port: number) => void): Misfortune
}

const bothWays = (['before', 'after'] as const).flatMap((when): Way[] => [
  {
    row: `part ${broken} of 5: 500 ${when} taking it`,
    misfortune: () => ({ is: 'status', status: 500, when }),
  },
  {
    row: `part ${broken} of 5: a line cut ${when} taking it`,
    misfortune: () => ({ is: 'drop', when }),
  },
  {
    row: `part ${broken} of 5: the sender killed ${when} taking it`,
    misfortune: kill => ({ is: 'strike', strike: kill, when }),
  },
])

/** What the play under way has come to; its misfortunes are laid out before its posts are planned. */
const underWay = { restarts: [] as Promise<void>[] }

function killer({ processes }: Rig) {
  return (port: number) => {
    const at = processes.callingFrom(port)
    if (at >= 0) underWay.restarts.push(processes.end(at, 'SIGKILL').then(() => processes.start(at)))
  }
}

export const brokenOff: Fault = {
  number: 22,
  name: `threads of 5 that break off at part ${broken}, and ${pictures} pictures of which ${broken - 1} are uploaded`,
  mostLateMs: repeatedMs,
  wishes(rig, play) {
    const kill = killer(rig)
    underWay.restarts = []
    const dueAt = () => play.from + Math.floor((play.random() * play.overMs) / 2)
    return bothWays.flatMap(({ row, misfortune }, n) =>
      partByPart.map((network, nth): Wish => {
        const tenant = tenantAt(rig, n + nth)
        const text = `${play.name} ${tenant.slug} ${network} thread ${n}`
        const parts = [2, 3, 4, 5].map(part => `${text} part ${part}`)
        rig.platforms.meet(parts[broken - 2] ?? '', misfortune(kill))
        return { tenant, account: accountAt(tenant, network), text, parts, dueAt: dueAt(), pictures: 0, row }
      }),
    )
  },
  async play(rig, { name, from, overMs }) {
    await until(from + overMs)
    const left = async () => (await rig.recorded(name)).filter(({ state }) => state !== 'published')
    const allOut = async () => {
      const deadline = Date.now() + repeatedMs
      while ((await left()).length > 0 && Date.now() < deadline) await Bun.sleep(500)
    }
    // A thread may meet what befalls it late: when the account is busy with the one before.
    await allOut()
    await Promise.all(underWay.restarts)
    await rig.processes.revive()
    // Only now: a sender that is killed takes the upload with it that it has just made.
    const before = rig.platforms.uploads()
    rig.platforms.meetUpload(broken, { is: 'status', status: 503 })
    for (const wish of pictureSets(rig, name)) await planOne(rig, wish)
    await allOut()
    const after = rig.platforms.uploads()
    const told: Told[] = partByPart.flatMap(network => {
      const times = after[network] - before[network]
      // Each once, and the one that was refused once more.
      return times === pictures + 1
        ? []
        : [['DOUBLE', `${network} was asked ${times} times to take ${pictures} pictures`]]
    })
    for (const { text, state } of await left()) told.push(['LOST', `${text} did not go on: ${state}`])
    const threads = rig.posts.filter(({ parts }) => parts).length
    return {
      times: rig.posts.length,
      words: `${threads} threads, ${underWay.restarts.length} senders killed`,
      told,
    }
  },
}

const pictureSets = (rig: Rig, play: string): Wish[] =>
  partByPart.map((network, n) => {
    const tenant = tenantAt(rig, n)
    return {
      tenant,
      account: accountAt(tenant, network),
      text: `${play} ${tenant.slug} ${network} pictures`,
      dueAt: Date.now(),
      pictures,
      row: `picture ${broken} of ${pictures}: 503`,
    }
  })
