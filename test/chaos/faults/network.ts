/** Faults 34 and 35: names that lead nowhere, and servers that are not who they should be. */
import type { TlsOptions } from 'node:tls'
import { type Authority, openAuthority, openLine } from '../certificates.ts'
import type { Told } from '../check.ts'
import { type Led, openNames } from '../names.ts'
import { tenantAt, until, usualWishes, type Wish } from '../plan.ts'
import type { Account, Rig, Tenant } from '../rig.ts'
import { type Fault, repeatedMs } from './fault.ts'
import { enter, leave, type World } from './world.ts'

/** An account at an address that fails it when its post is due, and is well again afterwards. */
interface Way {
  row: string
  tenant: Tenant
  account: Account
  /** What the waiting post has to say; null: it goes out in spite of all. */
  says: RegExp | null
  mend(): void | Promise<void>
}

/** Longer than one try. */
const triedMs = 15_000

/** The ways of the play under way. */
const ways: Way[] = []

const wishesOf = (rig: Rig, play: Parameters<typeof usualWishes>[1], posts: number): Wish[] => [
  ...ways.map(({ tenant, account, row }) => ({
    tenant,
    account,
    text: `${play.name} ${tenant.slug} ${row}`,
    dueAt: play.from,
    pictures: 0,
    row,
  })),
  ...usualWishes(rig, play, posts),
]

/** Waits until every post has been tried in vain, looks that nothing arrived and what is said of it, and mends all. */
async function playWays(rig: Rig, from: number, overMs: number): Promise<Told[]> {
  for (const post of rig.posts) if (post.row === undefined) post.clearAt = 0
  const { requests } = rig.platforms.served.webhook
  const told: Told[] = []
  await until(from + overMs)
  for (const { row, tenant, account, says } of ways) {
    const post = rig.posts.find(one => one.place === account.place)
    if (!says || !post) continue
    const waits = async () => {
      const { state, error } = (await rig.ask(tenant, 'GET', `/publish-jobs/${post.job}`)).body
      const said: string = error?.message ?? ''
      return state === 'scheduled' && says.test(said) ? null : `it is ${state} and says “${said}”`
    }
    // It may be in the middle of a try.
    let wrong = await waits()
    for (const deadline = Date.now() + triedMs; wrong && Date.now() < deadline; wrong = await waits())
      await Bun.sleep(250)
    if (wrong) told.push(['LIE', `${row}: ${wrong}`])
    const arrived = requests.filter(({ path, at }) => path === account.place && at.getTime() >= post.dueAt)
    if (arrived.length > 0) told.push(['WRONG', `${row}: sent anyway, ${arrived.length} times`])
  }
  for (const { mend } of ways) await mend()
  return told
}

const home: Led = { to: [['127.0.0.1']] }
const misled: readonly { name: string; row: string; led: Led; says: RegExp | null }[] = [
  { name: 'gone.rig', row: 'a name that nobody knows', led: null, says: /gone\.rig is not known/ },
  { name: 'empty.rig', row: 'a name without an address', led: { to: [[]] }, says: /no address/ },
  {
    name: 'slow.rig',
    row: 'a name looked up in eight seconds',
    led: { ...home, afterMs: 8_000 },
    says: /looked up in time/,
  },
  {
    name: 'idle.rig',
    row: 'a name looked up in two seconds',
    led: { ...home, afterMs: 2_000 },
    says: null,
  },
  {
    name: 'dead.rig',
    row: 'a name that leads where nobody listens',
    led: { to: [['127.0.0.254']] },
    says: /could not be reached/,
  },
]

export const unnamed: Fault = {
  number: 34,
  name: 'names that are not known, looked up slowly, or lead nowhere',
  mostLateMs: repeatedMs,
  async before(rig) {
    const { port } = rig.platforms.receiver
    const known = openNames()
    const own: World = { names: known, lines: [] }
    for (const { name } of misled) known.say(name, home)
    const six = await openLine(Number(port), null, '::1').catch(() => null)
    if (six) {
      own.lines.push(six)
      known.say('six.rig', { to: [['::1']] })
    }
    await enter(rig, own, [
      ...misled.map(({ name }) => `${name}:${port}`),
      ...(six ? [`six.rig:${six.port}`] : []),
    ])
    for (const [n, { name, row, led, says }] of misled.entries()) {
      const tenant = tenantAt(rig, n)
      const account = await rig.connectOwn(tenant, `http://${name}:${port}/hook/34-${name}`)
      ways.push({ row, tenant, account, says, mend: () => known.say(name, home) })
      known.say(name, led)
    }
    if (six) {
      const tenant = tenantAt(rig, misled.length)
      const account = await rig.connectOwn(tenant, `http://six.rig:${six.port}/hook/34-six.rig`)
      ways.push({
        row: 'a name that leads to IPv6 alone',
        tenant,
        account,
        says: null,
        mend: () => undefined,
      })
    }
  },
  wishes: (rig, play, { posts }) => wishesOf(rig, play, posts),
  async play(rig, { from, overMs }) {
    const told = await playWays(rig, from, overMs)
    return { times: ways.length, told }
  },
  async after(rig) {
    ways.length = 0
    await leave(rig)
  },
}

const certificates: readonly {
  name: string
  row: string
  shows(authority: Authority, stranger: Authority): TlsOptions | null
  says: RegExp
}[] = [
  {
    name: 'expired.rig',
    row: 'a certificate that has expired',
    shows: authority => authority.certificate('expired.rig', 'past'),
    says: /certificate of expired\.rig was not accepted \(CERT_HAS_EXPIRED\)/,
  },
  {
    name: 'wrong.rig',
    row: 'a certificate of another name',
    shows: authority => authority.certificate('another.rig'),
    says: /certificate of wrong\.rig was not accepted/,
  },
  {
    name: 'unknown.rig',
    row: 'a certificate of an authority that nobody knows',
    shows: (_authority, stranger) => stranger.certificate('unknown.rig'),
    says: /certificate of unknown\.rig was not accepted/,
  },
  {
    name: 'old.rig',
    row: 'TLS 1.1 and nothing newer',
    shows: authority => ({
      ...authority.certificate('old.rig'),
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
    }),
    says: /old\.rig does not offer an encrypted connection/,
  },
  {
    name: 'plain.rig',
    row: 'no TLS at all',
    shows: () => null,
    says: /plain\.rig does not offer an encrypted connection/,
  },
]

export const mistrusted: Fault = {
  number: 35,
  name: 'TLS that is expired, of another name, of nobody, too old, or none',
  mostLateMs: repeatedMs,
  async before(rig) {
    const [authority, stranger] = [openAuthority(), openAuthority()]
    const known = openNames()
    const own: World = { names: known, lines: [], authority }
    const receiver = Number(rig.platforms.receiver.port)
    const shown = certificates.map(one => ({ ...one, bad: one.shows(authority, stranger) }))
    stranger.remove()
    const open = await Promise.all(
      shown.map(async one => {
        known.say(one.name, home)
        const good = authority.certificate(one.name)
        const line = await openLine(receiver, good)
        own.lines.push(line)
        return { ...one, good, line }
      }),
    )
    await enter(
      rig,
      own,
      open.map(({ name, line }) => `${name}:${line.port}`),
    )
    for (const [n, { name, row, says, line, good, bad }] of open.entries()) {
      const tenant = tenantAt(rig, n)
      const account = await rig.connectOwn(tenant, `https://${name}:${line.port}/hook/35-${name}`)
      ways.push({ row, tenant, account, says, mend: () => line.show(good) })
      await line.show(bad)
    }
  },
  wishes: (rig, play, { posts }) => wishesOf(rig, play, posts),
  async play(rig, { from, overMs }) {
    const told = await playWays(rig, from, overMs)
    return { times: ways.length, told }
  },
  async after(rig) {
    ways.length = 0
    await leave(rig)
  },
}
