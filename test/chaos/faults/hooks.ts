/** Fault 33: receivers of event webhooks that fail, redirect, are gone, or lead inside. */
import { createServer, type Server } from 'node:net'
import { Webhook } from 'standardwebhooks'
import type { Received } from '../../peers/serve.ts'
import type { Told } from '../check.ts'
import { openNames } from '../names.ts'
import { tenantAt, until } from '../plan.ts'
import type { Rig, Tenant } from '../rig.ts'
import { type Fault, takenOverMs } from './fault.ts'
import { enter, leave } from './world.ts'

interface Hook {
  what: string
  tenant: Tenant
  id: string
  secret: string
  /** Where its receiver is asked; null: it must never be. */
  path: string | null
}

/** An address of this machine alone, which nothing else listens at. */
const insideHost = '127.77.0.1'
/** It passes for one of the open internet, and leads nowhere. */
const outsideHost = '192.0.1.1'
/** The least wait of the retry table, with its tenth of jitter and the clocks' difference. */
const leastWaitMs = 4_400
const deliveredMs = 60_000

const hooks: Hook[] = []
const inside: Server[] = []
let insideCalls = 0

/** Whoever comes to the address inside is counted. @returns whether it could be opened: its ports take rights */
async function watchInside(): Promise<boolean> {
  insideCalls = 0
  for (const port of [443, 80]) {
    const server = createServer(socket => {
      insideCalls++
      socket.destroy()
    })
    const open = await new Promise<boolean>(done => {
      server.once('error', () => done(false))
      server.listen(port, insideHost, () => done(true))
    })
    if (open) inside.push(server)
  }
  return inside.length === 2
}

async function hook(rig: Rig, n: number, what: string, url: string, path: string | null): Promise<void> {
  const tenant = tenantAt(rig, n)
  const made = await rig.ask(tenant, 'POST', '/webhooks', {
    body: { url, events: ['publish_job.published'] },
  })
  if (made.status !== 201) throw new Error(`${what}: ${made.status} ${JSON.stringify(made.body)}`)
  hooks.push({ what, tenant, id: made.body.id, secret: made.body.secret, path })
}

export const receivers: Fault = {
  number: 33,
  name: 'event receivers that answer 500, late, 301 and 410, or lead inside',
  mostLateMs: takenOverMs,
  async before(rig) {
    const names = openNames()
    names.say('inside.rig', { to: [[insideHost]] })
    names.say('both.rig', { to: [[outsideHost, insideHost]] })
    names.say('rebinds.rig', { to: [[outsideHost], [insideHost]] })
    await watchInside()
    await enter(rig, { names, lines: [] }, [])
    const at = (path: string) => new URL(path, rig.platforms.receiver).href
    for (const n of rig.tenants.keys()) await hook(rig, n, 'well', at(`/event/well-${n}`), `/event/well-${n}`)
    for (const [n, what] of ['500', 'silent', 'moved', 'gone'].entries())
      await hook(rig, n, what, at(`/event/${what}`), `/event/${what}`)
    for (const [n, what] of ['inside', 'both', 'rebinds'].entries())
      await hook(rig, 4 + n, what, `https://${what}.rig/event`, null)
    const { faults } = rig.platforms.served.webhook
    faults.next('POST /event/500', { is: 'status', status: 500 })
    faults.next('POST /event/silent', { is: 'hang' })
    const headers = { location: at('/event/trap') }
    faults.next('POST /event/moved', { is: 'status', status: 301, headers }, 1_000)
    faults.next('POST /event/gone', { is: 'status', status: 410 }, 1_000)
  },
  async play(rig, { name, from, overMs }) {
    // Nothing of this may keep a post waiting.
    for (const post of rig.posts) post.clearAt = 0
    await until(from + overMs)
    const told = await refusedAddresses(rig)
    const deadline = Date.now() + deliveredMs
    let missing = await undelivered(rig, name)
    while (missing.length > 0 && Date.now() < deadline) {
      await Bun.sleep(500)
      missing = await undelivered(rig, name)
    }
    told.push(...missing.map(words => ['LOST', words] as const), ...(await looked(rig)))
    const watched = inside.length === 2 ? '' : ', nobody listening inside'
    return { times: hooks.length, words: `${hooks.length} webhooks${watched}`, told }
  },
  async after(rig) {
    for (const { tenant, id } of hooks) await rig.ask(tenant, 'DELETE', `/webhooks/${id}`)
    hooks.length = 0
    for (const server of inside) server.close()
    inside.length = 0
    await leave(rig)
  },
}

const callsAt = (rig: Rig, path: string | null): Received[] =>
  rig.platforms.served.webhook.requests.filter(request => request.path === path)
const jobOf = ({ raw }: Received): string => JSON.parse(Buffer.from(raw).toString()).data.job.id
const takesAll = ({ what }: Hook) => /^(well|500|silent)$/.test(what)

/** Published posts that a receiver which takes all was not told of. */
async function undelivered(rig: Rig, play: string): Promise<string[]> {
  const published = (await rig.recorded(play)).filter(({ state }) => state === 'published')
  return hooks.filter(takesAll).flatMap(({ what, tenant, path }) => {
    // The first call of these two was not taken.
    const told = new Set(
      callsAt(rig, path)
        .slice(what === 'well' ? 0 : 1)
        .map(jobOf),
    )
    return published
      .filter(row => row.tenant === tenant.slug && !told.has(row.job))
      .map(row => `${path} was not told of ${row.text}`)
  })
}

async function looked(rig: Rig): Promise<Told[]> {
  const told: Told[] = []
  if (insideCalls > 0) told.push(['WRONG', `${insideCalls} calls came inside`])
  if (callsAt(rig, '/event/trap').length > 0) told.push(['WRONG', 'a redirect was followed'])
  for (const { what, tenant, id, secret, path } of hooks) {
    const calls = callsAt(rig, path)
    for (const { raw, headers } of calls)
      if (!signed(secret, raw, headers)) told.push(['WRONG', `${path} was called with a wrong signature`])
    const byId = Map.groupBy(calls, ({ headers }) => headers.get('webhook-id'))
    const repeated = [...byId.values()].filter(({ length }) => length > 1)
    const most = what === '500' || what === 'silent' ? 1 : what === 'moved' ? calls.length : 0
    if (repeated.length > most) told.push(['DOUBLE', `${path} was told ${repeated.length} events again`])
    for (const [first, second] of repeated) {
      const waited = (second?.at.getTime() ?? 0) - (first?.at.getTime() ?? 0)
      if (waited < leastWaitMs) told.push(['EARLY', `${path} was called again after ${waited} ms`])
    }
    const { body } = await rig.ask(tenant, 'GET', `/webhooks/${id}`)
    const state = body.failing ? 'failing' : body.state
    const wanted = what === 'gone' ? 'disabled' : path === null || what === 'moved' ? 'failing' : 'active'
    if (state !== wanted) told.push(['LIE', `the webhook ${what} is ${state} and should be ${wanted}`])
    if (what === 'gone' && calls.length !== 1)
      told.push(['DOUBLE', `the address that is gone was called ${calls.length} times`])
  }
  return told
}

/** What is written as an address inside is not even taken. */
async function refusedAddresses(rig: Rig): Promise<Told[]> {
  const addresses = [`https://${insideHost}/`, 'https://localhost/', 'https://[::ffff:127.0.0.1]/']
  const answers = await Promise.all(
    addresses.map(async url => ({
      url,
      ...(await rig.ask(tenantAt(rig, 0), 'POST', '/webhooks', { body: { url } })),
    })),
  )
  return answers
    .filter(({ status }) => status !== 422)
    .map(({ url, status }) => ['WRONG', `a webhook to ${url} was answered ${status}`] as const)
}

function signed(secret: string, raw: Uint8Array, headers: Headers): boolean {
  try {
    new Webhook(secret).verify(Buffer.from(raw).toString(), Object.fromEntries(headers))
    return true
  } catch {
    return false
  }
}
