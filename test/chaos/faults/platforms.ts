/** Faults 15 to 21 and 28: what platforms answer, or do not. */
import type { Fault as Misfortune } from '../../peers/serve.ts'
import type { Told } from '../check.ts'
import { accountAt, until, type Wish } from '../plan.ts'
import { type Network, networks } from '../platforms.ts'
import { type Fault, repeatedMs } from './fault.ts'

type Unplaced = Misfortune extends infer One ? (One extends unknown ? Omit<One, 'when'> : never) : never

interface Way {
  /** The faults of the plan that it belongs to. */
  of: string
  name: string
  answer: Unplaced
  /** A receiver that answers 2xx has taken it, by the standard: `before` would be its own lie. */
  saysYes?: true
}

const html = { 'content-type': 'text/html' }
const ways: readonly Way[] = [
  ...[500, 502, 503, 504].map(
    (status): Way => ({ of: '15/16', name: `${status}`, answer: { is: 'status', status } }),
  ),
  { of: '15/16', name: 'no answer', answer: { is: 'hang' } },
  { of: '15/16', name: 'a line cut before the answer', answer: { is: 'drop' } },
  { of: '15/16', name: 'a line cut in the answer', answer: { is: 'cut' }, saysYes: true },
  { of: '17', name: 'one byte a second', answer: { is: 'trickle' }, saysYes: true },
  { of: '17', name: '64 MB of answer', answer: { is: 'flood', bytes: 64_000_000 }, saysYes: true },
  {
    of: '17',
    name: 'a gzip bomb of 256 MB',
    answer: { is: 'flood', bytes: 256_000_000, packed: true },
    saysYes: true,
  },
  {
    of: '18',
    name: 'HTML',
    answer: { is: 'status', status: 200, body: '<html>Welcome</html>', headers: html },
    saysYes: true,
  },
  {
    of: '18',
    name: '200 with an error',
    answer: { is: 'status', status: 200, body: { error: 'Try again later' } },
    saysYes: true,
  },
  { of: '18', name: '201 without an id', answer: { is: 'status', status: 201, body: {} }, saysYes: true },
]

interface Case {
  network: Network
  row: string
  misfortune: Misfortune
}

const cases: readonly Case[] = [
  ...ways.flatMap(({ of, name, answer, saysYes }) =>
    (['before', 'after'] as const).flatMap(when =>
      networks
        .filter(network => !(network === 'webhook' && saysYes && when === 'before'))
        .map(network => ({
          network,
          row: `${of} ${when} taking it: ${name}`,
          misfortune: { ...answer, when } as Misfortune,
        })),
    ),
  ),
  ...networks.map(network => ({
    network,
    row: '19 429, come back in two seconds',
    misfortune: { is: 'status', status: 429, headers: { 'retry-after': '2' } } as Misfortune,
  })),
  ...networks.map(network => ({
    network,
    row: '15 slow by five seconds',
    misfortune: { is: 'slow', ms: 5_000 } as Misfortune,
  })),
]

export const hostile: Fault = {
  number: 16,
  name: 'hostile platforms: each post meets an answer of its own',
  mostLateMs: repeatedMs,
  wishes: (rig, play) =>
    cases.map(({ network, row, misfortune }, n): Wish => {
      // The cases of one network go round the workspaces, so that those that wait long do not wait for each other.
      const nth = cases.slice(0, n).filter(one => one.network === network).length
      const tenant = rig.tenants[nth % rig.tenants.length]
      if (!tenant) throw new Error('no workspaces')
      return {
        tenant,
        account: accountAt(tenant, network),
        text: `${play.name} ${tenant.slug} case ${n}`,
        dueAt: play.from + Math.floor((play.random() * play.overMs) / 2),
        pictures: n % 5 === 0 ? 1 : 0,
        row,
        meets: misfortune,
      }
    }),
  async play(_rig, { from, overMs }) {
    await until(from + overMs)
    return { times: cases.length, words: `${cases.length} cases` }
  },
}

export const throttled: Fault = {
  number: 19,
  name: 'a storm of 429 at one network',
  mostLateMs: repeatedMs,
  async play(rig, { from, overMs }) {
    const { faults, requests } = rig.platforms.served.mastodon
    for (const post of rig.posts) if (!post.place.startsWith('mastodon ')) post.clearAt = 0
    const already = requests.length
    faults.next('*', { is: 'status', status: 429, headers: { 'retry-after': '3' } }, 1_000_000)
    await until(from + overMs)
    faults.clear()
    return { times: requests.length - already, words: 'every other network is held to its time' }
  },
}

export const revoked: Fault = {
  number: 20,
  name: 'credentials revoked under load and tokens aged, then connected anew',
  mostLateMs: repeatedMs,
  async play(rig, { from, overMs }) {
    const { faults, requests } = rig.platforms.served.bluesky
    const refreshes = () => requests.filter(({ path }) => path.endsWith('.refreshSession')).length
    const already = refreshes()
    await until(from + overMs / 3)
    const struck = rig.tenants.slice(0, 3).flatMap(tenant =>
      (['mastodon', 'compatible', 'bluesky'] as const).map(network => ({
        tenant,
        ...accountAt(tenant, network),
      })),
    )
    await Promise.all(struck.map(({ home }) => home?.revoke?.()))
    // Access tokens last for hours there; the server is made to say that they have aged.
    const aged = { error: 'ExpiredToken', message: 'Token has expired' }
    faults.next(
      'POST /xrpc/com.atproto.repo.putRecord',
      { is: 'status', status: 400, body: aged },
      rig.tenants.length,
    )
    await until(from + overMs)
    faults.clear()
    for (const { tenant, home } of struck)
      if (home?.renew) await rig.connect(tenant, home.platform, await home.renew())
    return { times: struck.length, words: `${refreshes() - already} refreshes` }
  },
}

export const refreshLost: Fault = {
  number: 21,
  name: 'a token refreshed at the platform, and the process killed before it could keep it',
  mostLateMs: repeatedMs,
  async play(rig, { from, overMs }) {
    const { processes } = rig
    const { faults } = rig.platforms.served.bluesky
    let times = 0
    const restarts: Promise<void>[] = []
    const aged = { error: 'ExpiredToken', message: 'Token has expired' }
    await until(from)
    faults.next('POST /xrpc/com.atproto.repo.putRecord', { is: 'status', status: 400, body: aged }, 6)
    const kill = (port: number) => {
      const at = processes.callingFrom(port)
      if (at < 0) return
      times++
      restarts.push(processes.end(at, 'SIGKILL').then(() => processes.start(at)))
    }
    faults.next(
      'POST /xrpc/com.atproto.server.refreshSession',
      { is: 'strike', when: 'after', strike: kill },
      3,
    )
    await until(from + overMs)
    faults.clear()
    await Promise.all(restarts)
    await processes.revive()
    return { times }
  },
}

export const poison: Fault = {
  number: 28,
  name: 'posts that kill whoever sends them',
  mostLateMs: 90_000,
  async play(rig, { from, overMs }) {
    const { processes } = rig
    const two = rig.posts.filter(({ place }) => place.startsWith('mastodon ')).slice(0, 2)
    let times = 0
    const restarts: Promise<void>[] = []
    for (const { texts } of two)
      rig.platforms.meet(
        texts[0] ?? '',
        {
          is: 'strike',
          when: 'before',
          strike(port) {
            const at = processes.callingFrom(port)
            if (at < 0) return
            times++
            restarts.push(processes.end(at, 'SIGKILL').then(() => processes.start(at)))
          },
        },
        10,
      )
    await until(from + overMs)
    const deadline = Date.now() + 120_000
    const stateOf = async () => {
      const rows = await rig.recorded(rig.posts[0]?.texts[0]?.split(' ')[0] ?? '')
      return rows.filter(({ job }) => two.some(post => post.job === job)).map(({ state }) => state)
    }
    while (
      (await stateOf()).some(state => ['scheduled', 'publishing'].includes(state)) &&
      Date.now() < deadline
    )
      await Bun.sleep(500)
    await Promise.all(restarts)
    await processes.revive()
    const states = await stateOf()
    const told: Told[] = states
      .filter(state => state !== 'unconfirmed' && state !== 'failed')
      .map(state => ['LOST', `a post that kills its process is ${state}`])
    return { times, words: `then ${states.join(', ')}`, told }
  },
}
