/** The faults that can be played, by the number they have in the plan; the others are named with what they wait for. */
import type { Rig } from './rig.ts'

export interface Fault {
  number: number
  name: string
  /** Plays it while posts fall due, from `from` on for `overMs`; ends when nothing is in the way any more. */
  play(rig: Rig, from: number, overMs: number, random: () => number): Promise<void>
  mostLateMs: number
}

const until = (at: number) => Bun.sleep(Math.max(0, at - Date.now()))

async function kill(rig: Rig, at: number, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const one = rig.processes[at]
  if (!one) return
  one.child.kill(signal)
  await one.child.exited
}

/** The lease of a worker that is gone, and the look after it. */
const takenOverMs = 32_000

export const faults: readonly Fault[] = [
  { number: 0, name: 'calm', mostLateMs: 30_000, async play() {} },
  {
    number: 1,
    name: 'kill -9 of one process after another',
    mostLateMs: takenOverMs,
    async play(rig, from, overMs, random) {
      for (let round = 0; round < 3; round++) {
        await until(from + ((round + random()) * overMs) / 3)
        const at = Math.floor(random() * 4)
        await kill(rig, at, 'SIGKILL')
        await rig.start(at)
      }
    },
  },
  {
    number: 3,
    name: 'kill -9 of all processes at once',
    mostLateMs: takenOverMs,
    async play(rig, from, overMs) {
      await until(from + overMs / 2)
      await Promise.all([0, 1, 2, 3].map(at => kill(rig, at, 'SIGKILL')))
      await Promise.all([0, 1, 2, 3].map(at => rig.start(at)))
    },
  },
  {
    number: 4,
    name: 'SIGTERM under load, one after another',
    mostLateMs: takenOverMs,
    async play(rig, from, overMs) {
      await until(from + overMs / 4)
      for (const at of [0, 1, 2, 3]) {
        await kill(rig, at, 'SIGTERM')
        await rig.start(at)
      }
    },
  },
  {
    number: 5,
    name: 'SIGSTOP of two processes beyond their leases, then SIGCONT',
    mostLateMs: takenOverMs,
    async play(rig, from, overMs) {
      await until(from + overMs / 3)
      const stopped = rig.processes.slice(0, 2)
      for (const { child } of stopped) child.kill('SIGSTOP')
      await Bun.sleep(26_000)
      for (const { child } of stopped) child.kill('SIGCONT')
    },
  },
  {
    number: 6,
    name: 'PostgreSQL restarted, fast and at once',
    mostLateMs: takenOverMs,
    async play(rig, from, overMs) {
      for (const [at, mode] of [
        [0.3, 'fast'],
        [0.7, 'immediate'],
      ] as const) {
        await until(from + overMs * at)
        rig.cluster.stopServer(mode)
        rig.cluster.start()
      }
    },
  },
  {
    number: 7,
    name: 'backends terminated, ten a second',
    mostLateMs: takenOverMs,
    async play(rig, from, overMs) {
      await until(from)
      while (Date.now() < from + overMs) {
        await rig.admin`
          select pg_terminate_backend(pid) from (select pid from pg_stat_activity
            where datname = 'chaos' and pid <> pg_backend_pid() order by random() limit 1) one`
        await Bun.sleep(100)
      }
    },
  },
  {
    number: 8,
    name: 'connections cut in the middle of transactions and commits',
    mostLateMs: takenOverMs,
    async play(rig, from, overMs, random) {
      await until(from)
      while (Date.now() < from + overMs) {
        rig.proxy.cut()
        await Bun.sleep(300 + random() * 900)
      }
    },
  },
  {
    number: 13,
    name: 'process clocks an hour before and behind',
    mostLateMs: takenOverMs,
    async play(rig, from, overMs) {
      for (const [at, skew] of [
        [0, 3_600_000],
        [1, -3_600_000],
      ] as const) {
        await kill(rig, at, 'SIGTERM')
        await rig.start(at, skew)
      }
      await until(from + overMs)
    },
  },
  {
    number: 15,
    name: 'platforms answer 500, 502 and 503 before they take anything',
    mostLateMs: 60_000,
    play: (rig, from, overMs) => misbehave(rig, from, overMs, 'before', ['500', '502', '503']),
  },
  {
    number: 16,
    name: 'platforms take the post, then 500, a cut line or half an answer',
    mostLateMs: 60_000,
    play: (rig, from, overMs) => misbehave(rig, from, overMs, 'after', ['500', 'drop', 'cut']),
  },
  {
    number: 18,
    name: 'HTML instead of JSON, 200 with an error, 200 without an id, after taking it',
    mostLateMs: 60_000,
    play: (rig, from, overMs) => misbehave(rig, from, overMs, 'after', ['html', 'error', 'no id']),
  },
  {
    number: 20,
    name: 'tokens revoked under load, and given anew',
    mostLateMs: 60_000,
    async play(rig, from, overMs) {
      await until(from + overMs / 3)
      const struck = rig.tenants.slice(0, 3)
      const revoked = struck.flatMap(tenant => tenant.places.filter(({ token }) => token))
      for (const { token } of revoked) rig.mastodon.revoke(token ?? '')
      await until(from + overMs)
      for (const tenant of struck) {
        const place = tenant.places.find(({ token }) => token)
        if (!place) continue
        place.token = rig.mastodon.renew(place.place)
        const settings = { instance: rig.mastodon.url, token: place.token }
        const again = await rig.ask(tenant, 'POST', '/accounts', { platform: 'mastodon', settings })
        if (again.status >= 300) throw new Error(`not connected again: ${JSON.stringify(again.body)}`)
      }
    },
  },
  {
    number: 23,
    name: 'cancelled and edited within 50 ms of the moment',
    mostLateMs: 5_000,
    async play(rig, _from, _overMs, random) {
      const touched = rig.posts.map(post => ({ post, roll: random(), shift: random() * 100 - 50 }))
      await Promise.all(
        touched.map(async ({ post, roll, shift }) => {
          const tenant = rig.tenants.find(({ slug }) => slug === post.tenant)
          if (!tenant) return
          await until(post.dueAt + shift)
          if (roll < 0.5) {
            const answer = await rig.ask(tenant, 'DELETE', `/publish-jobs/${post.job}`)
            if (answer.status === 200 && answer.body.state === 'cancelled') post.cancelledAt = Date.now()
          } else {
            const job = await rig.ask(tenant, 'GET', `/publish-jobs/${post.job}`)
            const text = `${post.texts[0]} changed`
            post.texts = [...post.texts, text]
            await rig.ask(tenant, 'PATCH', `/content/${job.body.contentId}`, { text })
          }
        }),
      )
    },
  },
]

async function misbehave(
  rig: Rig,
  from: number,
  overMs: number,
  when: 'before' | 'after',
  ways: readonly string[],
): Promise<void> {
  await until(from - 500)
  const calls: [Rig['mastodon'] | Rig['hostile'], string][] = [
    [rig.mastodon, 'POST /api/v1/statuses'],
    ...rig.tenants.map(({ slug }): [Rig['hostile'], string] => [rig.hostile, `POST /${slug}`]),
  ]
  for (const [platform, call] of calls)
    for (let turn = 0; turn < (call.includes('statuses') ? rig.tenants.length : 1); turn++)
      for (const way of ways) platform.faults.next(call, wrong(way, when))
  await until(from + overMs)
}

function wrong(way: string, when: 'before' | 'after'): Parameters<Rig['hostile']['faults']['next']>[1] {
  switch (way) {
    case 'drop':
    case 'cut':
      return { is: way, when }
    case 'html':
      return {
        is: 'status',
        status: 200,
        body: '<html>Welcome</html>',
        headers: { 'content-type': 'text/html' },
        when,
      }
    case 'error':
      return { is: 'status', status: 200, body: { error: 'Try again later' }, when }
    case 'no id':
      return { is: 'status', status: 200, body: {}, when }
    default:
      return { is: 'status', status: Number(way), when }
  }
}

/** The set that is played without `--all`. */
export const usual = [0, 1, 3, 4, 5, 6, 7, 8, 13, 16, 20, 23]

/** What the rig cannot play yet, and why. */
export const unplayed: readonly (readonly [number, string, string])[] = [
  [
    2,
    'kill -9 of the API in a request',
    'played only as far as fault 1 meets requests; no step in a request can be chosen',
  ],
  [9, 'half-open connection to the database', 'test/storm.test.ts plays it'],
  [10, 'failover to a primary that only reads', 'needs a standby that is promoted under the rig'],
  [11, 'a table locked for a minute by a migration', 'test/half-way.test.ts plays a short one'],
  [12, 'Redis down or flushed', 'the rig runs without Redis'],
  [14, 'DST gaps and folds', 'recurrence is not part of this rig'],
  [17, 'slow and endless answers', 'test/fetch.test.ts plays them on the one way out'],
  [19, '429 storms', 'needs the comparison of lateness with a calm run'],
  [21, 'a refresh whose commit is lost', 'needs the PDS in the rig'],
  [22, 'a thread that breaks off', 'threads are not there yet'],
  [24, 'n8n down or answering twice', 'test/workflows.test.ts plays it'],
  [25, 'ComfyUI down or forgetful', 'test/generate.test.ts plays it'],
  [26, 'disk full', 'needs a small disk under the rig'],
  [27, 'out of memory', 'needs a memory limit for one process'],
  [28, 'a job that kills its process', 'test/race.test.ts plays it'],
  [29, '10,000 tenants', 'bun run bench fan-out measures it'],
  [30, 'one noisy tenant with 100,000 posts', 'needs the comparison of lateness with a calm run'],
  [31, 'old and new processes together', 'test/half-way.test.ts plays it'],
  [32, 'a backup of an hour ago restored', 'test/backup.test.ts plays it'],
  [33, 'a webhook receiver that redirects or leads inside', 'test/platforms/webhook.test.ts plays it'],
  [34, 'DNS failure', 'test/fetch.test.ts plays it'],
  [35, 'TLS expired or of another name', 'the rig speaks plain HTTP on loopback'],
]
