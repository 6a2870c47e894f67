import { afterAll, beforeAll, describe, expect, spyOn, test } from 'bun:test'
import { Webhook } from 'standardwebhooks'
import { checkAccount, markReconnect } from '../src/accounts/accounts.ts'
import { askPlatform, saveAccount } from '../src/accounts/connect.ts'
import { createCredential, openAccount } from '../src/accounts/credential.ts'
import { sealSecret } from '../src/accounts/secret.ts'
import type { Actor } from '../src/db/scope.ts'
import { type House, openHouse } from './cast.ts'
import { describePeer, type Pds, startPds } from './peers/index.ts'
import { startMastodon } from './peers/mastodon.ts'

type Mastodon = Awaited<ReturnType<typeof startMastodon>>

let house: House
let mastodon: Mastodon
let receiver: ReturnType<typeof Bun.serve>
let status = 200
const pings: { body: string; headers: Headers }[] = []
let hook = ''

/** Everything the app logged, at its most talkative. */
const logged: string[] = []
const quiet = spyOn(process.stderr, 'write').mockImplementation(line => logged.push(String(line)) > 0)

beforeAll(async () => {
  mastodon = await startMastodon()
  receiver = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      pings.push({ body: await request.text(), headers: request.headers })
      return new Response('', { status, headers: status === 302 ? { location: '/elsewhere' } : {} })
    },
  })
  hook = `http://127.0.0.1:${receiver.port}/hooks`
  house = await openHouse({
    OUTBOUND_ALLOW: `${mastodon.host},127.0.0.1:${receiver.port},127.0.0.1:1`,
    LOG_LEVEL: 'debug',
  })
})
afterAll(async () => {
  await house.close()
  await mastodon.stop()
  await receiver.stop(true)
  quiet.mockRestore()
})

const system = (): Actor => ({ tenantId: house.alice.tenant.id, userId: null, role: 'system' })
const connect = (body: object, person = house.alice) => person.api('POST', '/accounts', body)
const onMastodon = (token: string) => ({
  platform: 'mastodon',
  settings: { instance: mastodon.url, token },
})
const count = async (where: string, ...values: unknown[]) => {
  const [row] = await house.services.db.owner.unsafe(
    `select count(*)::int as n from ${house.alice.tenant.schema}.${where}`,
    values as never[],
  )
  return row?.n as number
}

describe('accounts', () => {
  test('every workspace has its own feed, and it stays', async () => {
    const { body } = await house.dan.api('GET', '/accounts')
    expect(body.items).toHaveLength(1)
    const [feed] = body.items
    expect(feed).toMatchObject({ platform: 'feed', state: 'connected', handle: '/feed/southpaw' })
    const refused = await house.dan.api('DELETE', `/accounts/${feed.id}`)
    expect(refused.status).toBe(409)
    expect(refused.body.detail).toContain('stays')
    expect((await connect({ platform: 'feed', settings: {} })).status).toBe(422)
  })

  test('a Mastodon account connects with the limits of its server; again is the same account', async () => {
    const person = mastodon.addAccount('northwind')
    const made = await connect(onMastodon(person.token))
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({ platform: 'mastodon', state: 'connected', reason: null })
    expect(made.body.handle).toContain('northwind')
    expect(made.body.limits.text.max).toBe(500)
    await house.alice.api('PATCH', `/accounts/${made.body.id}`, { name: 'Our Mastodon' })
    const again = await connect(onMastodon(person.token))
    expect(again.body.id).toBe(made.body.id)
    expect(again.body.name).toBe('Our Mastodon')
    const listed = await house.ann.api('GET', '/accounts')
    expect(listed.body.items.filter((a: { platform: string }) => a.platform === 'mastodon')).toHaveLength(1)
    // Where an account leads is for those who manage accounts.
    expect(listed.body.items.every((a: { settings: object }) => Object.keys(a.settings).length === 0)).toBe(
      true,
    )
  })

  test.each([
    ['a wrong token', () => onMastodon('nonsense'), 'access token'],
    [
      'a server that is down',
      () => ({ platform: 'mastodon', settings: { instance: 'http://127.0.0.1:1', token: 'x' } }),
      'reached',
    ],
    [
      'an address inside',
      () => ({ platform: 'webhook', settings: { url: 'https://127.0.0.1/' } }),
      'private network',
    ],
    [
      'the cloud’s metadata',
      () => ({ platform: 'webhook', settings: { url: 'https://169.254.169.254/latest' } }),
      'private network',
    ],
  ])('connecting refuses %s in words, and nothing is saved', async (_name, body, words) => {
    const before = await count('social_accounts')
    const refused = await connect(body())
    expect(refused.status).toBe(422)
    expect(refused.body.code).toBe('connection_failed')
    expect(refused.body.detail).toContain(words)
    expect(refused.body.errors[0].path).toBe('settings')
    expect(await count('social_accounts')).toBe(before)
  })

  test.each([
    [500, 'answered our signed ping with 500'],
    [302, 'redirect'],
    [410, 'gone for good'],
  ])('a webhook that answers its ping with %i is refused', async (answer, words) => {
    status = answer
    const refused = await connect({ platform: 'webhook', settings: { url: hook } })
    status = 200
    expect(refused.body.code).toBe('connection_failed')
    expect(refused.body.detail).toContain(words)
  })

  test.each([
    [{ platform: 'myspace', settings: {} }, 'platform'],
    [{ platform: 'webhook', settings: {} }, 'settings.url'],
    [{ platform: 'webhook' }, 'settings.url'],
    [{ platform: 'webhook', settings: { url: 'javascript:alert(1)' } }, 'settings.url'],
    [{ platform: 'rehearsal', settings: { colour: 'red' } }, 'settings.colour'],
    [{ platform: 'rehearsal', settings: { delayMs: 1e9 } }, 'settings.delayMs'],
    [{ platform: 'rehearsal', settings: {}, secret: 'x' }, 'secret'],
  ])('what is wrong with %j is named', async (body, path) => {
    const refused = await connect(body)
    expect(refused.status).toBe(422)
    expect(refused.body.errors[0].path).toBe(path)
  })

  test('a webhook’s secret is shown once, signs its deliveries, and stands nowhere', async () => {
    pings.length = 0
    const key = { 'idempotency-key': crypto.randomUUID() }
    const body = { platform: 'webhook', settings: { url: `${hook}/one` } }
    const made = await house.alice.api('POST', '/accounts', body, key)
    expect(made.status).toBe(201)
    const { secret, id } = made.body
    const canary = secret.slice(6, 30)
    expect(secret).toStartWith('whsec_')
    const [ping] = pings
    const headers = Object.fromEntries((ping?.headers ?? new Headers()).entries())
    expect(() => new Webhook(secret).verify(ping?.body ?? '', headers)).not.toThrow()
    const again = await house.alice.api('POST', '/accounts', body, key)
    expect(again.body.id).toBe(id)
    expect(again.body.secret).toBeUndefined()
    expect(JSON.stringify((await house.alice.api('GET', `/accounts/${id}`)).body)).not.toContain(canary)
    expect((await house.alice.page('GET', `/w/northwind/accounts/${id}`)).html.includes(canary)).toBe(false)
    expect((await everything()).includes(canary)).toBe(false)
  })

  test('a token is sealed: in no table, answer or page, and opened only where it belongs', async () => {
    const canary = mastodon.addAccount('canary').token
    const made = await connect(onMastodon(canary))
    const { id } = made.body
    for (const path of ['/accounts', `/accounts/${id}`])
      expect(JSON.stringify((await house.alice.api('GET', path)).body)).not.toContain(canary)
    for (const path of ['/accounts', `/accounts/${id}`])
      expect((await house.alice.page('GET', `/w/northwind${path}`)).html.includes(canary)).toBe(false)
    expect((await everything()).includes(canary)).toBe(false)
    expect(logged.join('').includes('POST /api/v1/accounts')).toBe(true)
    expect(logged.join('').includes(canary)).toBe(false)
    const opened = await house.services.db.within(system(), scope => openAccount(scope, id))
    expect(opened.secret).toMatchObject({ token: canary })
    // The sealed bytes of one account, put into another one's row, do not open.
    const other = (await connect(onMastodon(mastodon.addAccount('other').token))).body.id
    await house.services.db.owner.unsafe(
      `update ${house.alice.tenant.schema}.social_accounts set secret = (select secret from ${house.alice.tenant.schema}.social_accounts where id = $1) where id = $2`,
      [id, other],
    )
    expect(house.services.db.within(system(), scope => openAccount(scope, other))).rejects.toThrow()
  })

  /** Every row of the tenant's tables as text, with bytes as the text they may hold. */
  async function everything(): Promise<string> {
    const { owner } = house.services.db
    const { schema } = house.alice.tenant
    const tables =
      await owner`select table_name from information_schema.tables where table_schema = ${schema}`
    const texts: string[] = []
    for (const { table_name } of tables) {
      const rows = await owner.unsafe(`select * from ${schema}.${table_name}`)
      texts.push(
        JSON.stringify(rows, (_, value) =>
          value?.type === 'Buffer' ? Buffer.from(value.data).toString('latin1') : value,
        ),
      )
    }
    return texts.join('\n')
  }

  test('only owners and admins manage accounts; everybody sees them', async () => {
    const { id } = (await connect(onMastodon(mastodon.addAccount('roles').token))).body
    for (const person of [house.bob, house.ann, house.cora]) {
      expect((await connect({ platform: 'rehearsal', settings: {} }, person)).status).toBe(403)
      expect((await person.api('PATCH', `/accounts/${id}`, { name: 'x' })).status).toBe(403)
      expect((await person.api('DELETE', `/accounts/${id}`)).status).toBe(403)
      expect((await person.api('POST', `/accounts/${id}/check`)).status).toBe(403)
      expect((await person.api('GET', `/accounts/${id}`)).status).toBe(200)
      expect((await person.page('GET', '/w/northwind/accounts/connect/webhook')).status).toBe(403)
      expect((await person.page('POST', '/w/northwind/accounts/connect/rehearsal', {})).status).toBe(403)
      const page = await person.page('GET', `/w/northwind/accounts/${id}`)
      expect(page.status).toBe(200)
      expect(page.html.includes('removal')).toBe(false)
    }
    expect(await count('social_accounts where platform = $1', 'rehearsal')).toBe(0)
  })

  test('a person without the right is refused before anything is called', async () => {
    pings.length = 0
    expect((await connect({ platform: 'webhook', settings: { url: hook } }, house.bob)).status).toBe(403)
    expect(pings).toHaveLength(0)
  })

  test('the right is asked for again when the answer is saved: it may have gone meanwhile', async () => {
    const connected = await askPlatform(house.services.outbound, {
      platform: 'rehearsal',
      settings: { delayMs: 0, answer: 'ok' },
    })
    const before = await count('social_accounts')
    const bob: Actor = { tenantId: house.bob.tenant.id, userId: house.bob.id, role: 'editor' }
    await expect(
      house.services.db.within(bob, scope => saveAccount(scope, 'rehearsal', connected)),
    ).rejects.toThrow('may not manage accounts')
    expect(await count('social_accounts')).toBe(before)
  })

  test('another workspace’s account is not there', async () => {
    const { id } = (await connect(onMastodon(mastodon.addAccount('wall').token))).body
    const calls: [string, string, unknown?][] = [
      ['GET', `/accounts/${id}`],
      ['PATCH', `/accounts/${id}`, { name: 'mine' }],
      ['DELETE', `/accounts/${id}`],
      ['POST', `/accounts/${id}/check`],
    ]
    for (const [method, path, body] of calls)
      expect((await house.dan.api(method, path, body)).status).toBe(404)
    for (const path of ['', '/check', '/name', '/removal', '/reconnection']) {
      const method = path === '' ? 'GET' : 'POST'
      const form = path === '' ? undefined : { name: 'mine' }
      expect((await house.dan.page(method, `/w/southpaw/accounts/${id}${path}`, form)).status).toBe(404)
    }
    for (const odd of ['nonsense', '00000000-0000-7000-8000-000000000000'])
      expect((await house.alice.api('GET', `/accounts/${odd}`)).status).toBe(404)
    expect((await house.alice.api('GET', `/accounts/${id}`)).body.state).toBe('connected')
  })

  test('a removed account is gone, its secret wiped; connected again it is a new one', async () => {
    const { token } = mastodon.addAccount('leaver')
    const { id } = (await connect(onMastodon(token))).body
    expect((await house.alice.api('DELETE', `/accounts/${id}`)).status).toBe(204)
    expect((await house.alice.api('GET', `/accounts/${id}`)).status).toBe(404)
    expect((await house.alice.api('DELETE', `/accounts/${id}`)).status).toBe(404)
    expect(await count("social_accounts where id = $1 and secret is null and settings = '{}'", id)).toBe(1)
    expect(await count("events where type = 'account.removed' and subject_id = $1", id)).toBe(1)
    const again = await connect(onMastodon(token))
    expect(again.body.id).not.toBe(id)
  })

  test('check tells a revoked account from one out of reach', async () => {
    const { token } = mastodon.addAccount('checked')
    const { id } = (await connect(onMastodon(token))).body
    expect((await house.alice.api('POST', `/accounts/${id}/check`)).body.check).toEqual({
      ok: true,
      message: null,
    })
    mastodon.faults.next('*', { is: 'status', status: 503 }, 1)
    const shaky = await house.alice.api('POST', `/accounts/${id}/check`)
    mastodon.faults.clear()
    expect(shaky.body.check.ok).toBe(false)
    expect(shaky.body.state).toBe('connected')
    mastodon.revoke(token)
    const revoked = await house.alice.api('POST', `/accounts/${id}/check`)
    expect(revoked.status).toBe(200)
    expect(revoked.body).toMatchObject({ state: 'reconnect', check: { ok: false } })
    expect(revoked.body.reason).toBe(revoked.body.check.message)
    await house.alice.api('POST', `/accounts/${id}/check`)
    expect(await count("events where type = 'account.reconnect_needed' and subject_id = $1", id)).toBe(1)
    const page = await house.alice.page('GET', `/w/northwind/accounts/${id}`)
    expect(page.html.includes('Reconnect needed')).toBe(true)
  })

  test('an old failure does not mark an account that was reconnected since', async () => {
    const { id } = (await connect(onMastodon(mastodon.addAccount('late').token))).body
    const { db } = house.services
    const opened = await db.within(system(), scope => openAccount(scope, id))
    await db.within(system(), scope => markReconnect(scope, id, 'gone', opened.secretVersion - 1))
    expect((await house.alice.api('GET', `/accounts/${id}`)).body.state).toBe('connected')
    await db.within(system(), scope => markReconnect(scope, id, 'gone', opened.secretVersion))
    expect((await house.alice.api('GET', `/accounts/${id}`)).body).toMatchObject({
      state: 'reconnect',
      reason: 'gone',
    })
    const services = { within: db.within, outbound: house.services.outbound }
    expect(await checkAccount(services, house.alice.tenant.id, opened)).toEqual({
      ok: true,
      message: null,
      final: false,
    })
    expect((await house.alice.api('GET', `/accounts/${id}`)).body).toMatchObject({
      state: 'connected',
      reason: null,
    })
  })
})

describe('renewing a credential', () => {
  const account = async (name: string) => {
    const { token } = mastodon.addAccount(name)
    const { id } = (await connect(onMastodon(token))).body
    const { secret } = await house.services.db.within(system(), scope => openAccount(scope, id))
    const credential = () => createCredential(house.services.db.within, system(), id, secret)
    const saved = async () =>
      (await house.services.db.within(system(), scope => openAccount(scope, id))).secret
    return { id, token, secret, credential, saved }
  }

  test('runs once for all who ask at the same time, and is saved before it is handed out', async () => {
    const { credential, saved } = await account('flight')
    let runs = 0
    const renew = () =>
      credential().renew(async current => {
        runs += 1
        await Bun.sleep(30)
        return { ...current, token: `fresh ${runs}` }
      })
    const answers = await Promise.all([renew(), renew(), renew(), renew()])
    expect(runs).toBe(1)
    expect(answers.map(secret => secret.token)).toEqual(Array(4).fill('fresh 1'))
    expect(await saved()).toMatchObject({ token: 'fresh 1' })
  })

  test('a failed renewal lets the next one try', async () => {
    const { credential, saved, secret } = await account('failing')
    await expect(credential().renew(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await saved()).toEqual(secret)
    expect(await credential().renew(async () => ({ token: 'second' }))).toMatchObject({ token: 'second' })
  })

  test('a token is never overwritten with nothing', async () => {
    const { credential, saved, secret } = await account('nothing')
    await expect(credential().renew(async () => ({}))).rejects.toThrow('kept')
    await expect(credential().renew(async () => ({ token: '' }))).rejects.toThrow('kept')
    expect(await saved()).toEqual(secret)
    const half = await credential().renew(async () => ({ token: null, extra: 'x' }))
    expect(half).toMatchObject({ ...secret, extra: 'x' })
  })

  test('who reconnects during a renewal wins', async () => {
    const { id, token, credential, saved } = await account('race')
    const answer = await credential().renew(async current => {
      const made = await connect(onMastodon(token))
      expect(made.body.id).toBe(id)
      return { ...current, token: 'stale' }
    })
    expect(answer.token).not.toBe('stale')
    expect(await saved()).toEqual(answer)
  })

  test('a claim of a process that died lapses', async () => {
    const { id, credential } = await account('died')
    await house.services.db.within(
      system(),
      scope => scope.sql`
      update social_accounts set renewing_until = public.clock() + interval '60 seconds' where id = ${id}`,
    )
    await house.shiftClock(61_000)
    expect(await credential().renew(async () => ({ token: 'mine' }))).toMatchObject({ token: 'mine' })
    await house.shiftClock(0)
  })
})

describe('the accounts’ pages', () => {
  test('connecting a webhook by form shows its secret once', async () => {
    const made = await house.alice.page('POST', '/w/northwind/accounts/connect/webhook', {
      'settings.url': `${hook}/form`,
    })
    expect(made.status).toBe(200)
    expect(made.headers.get('cache-control')).toBe('no-store')
    expect(/value="whsec_/.test(made.html)).toBe(true)
    expect((await house.alice.page('GET', '/w/northwind/accounts')).html.includes('127.0.0.1')).toBe(true)
  })

  test('a refused connection comes back filled in, without its secret', async () => {
    const back = await house.alice.page('POST', '/w/northwind/accounts/connect/mastodon', {
      'settings.instance': mastodon.url,
      'settings.token': 'a-wrong-canary-token',
    })
    expect(back.status).toBe(422)
    expect(back.html.includes(mastodon.url)).toBe(true)
    expect(back.html.includes('does not accept this access token')).toBe(true)
    expect(back.html.includes('a-wrong-canary-token')).toBe(false)
    const empty = await house.alice.page('POST', '/w/northwind/accounts/connect/webhook', {
      'settings.url': 'nowhere',
    })
    expect(empty.status).toBe(422)
    expect(empty.html.includes('nowhere')).toBe(true)
    expect(empty.html.includes('beginning with https://')).toBe(true)
  })

  test('reconnecting takes the same profile only', async () => {
    const { token } = mastodon.addAccount('first')
    const first = (await connect(onMastodon(token))).body
    const form = (token: string) => ({ 'settings.instance': mastodon.url, 'settings.token': token })
    const path = `/w/northwind/accounts/${first.id}/reconnection`
    const before = await count('social_accounts')
    const other = await house.alice.page('POST', path, form(mastodon.addAccount('second').token))
    expect(other.status).toBe(422)
    expect(other.html.includes('another account')).toBe(true)
    expect(await count('social_accounts')).toBe(before)
    const same = await house.alice.page('POST', path, form(token))
    expect(same.status).toBe(303)
    expect(same.location).toBe(`/w/northwind/accounts/${first.id}`)
  })

  test('renaming, checking and removing answer with where to look', async () => {
    const { id } = (await connect(onMastodon(mastodon.addAccount('paged').token))).body
    const own = `/w/northwind/accounts/${id}`
    expect((await house.alice.page('POST', `${own}/name`, { name: '' })).status).toBe(422)
    expect((await house.alice.page('POST', `${own}/name`, { name: '<b>Loud</b>' })).status).toBe(303)
    const page = await house.alice.page('GET', own)
    expect(page.html.includes('&lt;b&gt;Loud&lt;/b&gt;')).toBe(true)
    expect(page.html.includes('<h1 dir="auto"><b>')).toBe(false)
    expect((await house.alice.page('POST', `${own}/check`, {})).location).toBe(own)
    expect((await house.alice.page('POST', `${own}/removal`, {})).location).toBe('/w/northwind/accounts')
    expect((await house.alice.page('GET', own)).status).toBe(404)
  })

  test('the pages of feed and rehearsal show where it is read and what arrived', async () => {
    const { items } = (await house.alice.api('GET', '/accounts')).body
    const feed = items.find((a: { platform: string }) => a.platform === 'feed')
    const page = await house.alice.page('GET', `/w/northwind/accounts/${feed.id}`)
    for (const address of ['', '/rss.xml', '/atom.xml', '/feed.json'])
      expect(page.html.includes(`http://localhost/feed/northwind${address}`)).toBe(true)
    expect(page.html.includes('Remove this account')).toBe(false)
    const made = await house.alice.page('POST', '/w/northwind/accounts/connect/rehearsal', {
      'settings.answer': 'rejected',
    })
    expect(made.status).toBe(303)
    expect((await house.alice.page('GET', made.location)).html.includes('Nothing has arrived yet')).toBe(true)
    expect((await house.alice.page('GET', '/w/northwind/accounts/connect/feed')).status).toBe(404)
  })
})

describePeer('pds', 'a Bluesky account on a real server', () => {
  let pds: Pds
  let home: House
  beforeAll(async () => {
    pds = await startPds()
    home = await openHouse({ OUTBOUND_ALLOW: new URL(pds.url).host })
  }, 60_000)
  afterAll(async () => {
    await home?.close()
    await pds?.stop()
  })

  test('connects by app password, is checked, and needs reconnecting once the password is revoked', async () => {
    const person = await pds.createAccount('beans')
    const settings = { service: pds.url, identifier: `@${person.handle}`, password: person.appPassword }
    const wrong = await home.alice.api('POST', '/accounts', {
      platform: 'bluesky',
      settings: { ...settings, password: 'not-it' },
    })
    expect(wrong.body.code).toBe('connection_failed')
    expect(wrong.body.detail).toContain('app password')
    const made = await home.alice.api('POST', '/accounts', { platform: 'bluesky', settings })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({ platform: 'bluesky', handle: person.handle, state: 'connected' })
    expect(JSON.stringify(made.body).includes(person.appPassword)).toBe(false)
    const { id } = made.body
    const check = async () => (await home.alice.api('POST', `/accounts/${id}/check`)).body
    expect((await check()).check).toEqual({ ok: true, message: null })
    // The access token has aged; the check renews it by the refresh token, seals it, and goes on.
    const { db } = home.services
    const actor: Actor = { tenantId: home.alice.tenant.id, userId: null, role: 'system' }
    const secret = async () => (await db.within(actor, scope => openAccount(scope, id))).secret
    const age = async (change: object) => {
      const held = await secret()
      await db.within(
        actor,
        scope => scope.sql`
        update social_accounts set secret = ${sealSecret(scope, id, { ...held, ...change })}, secret_version = secret_version + 1
        where id = ${id}`,
      )
    }
    await age({ accessJwt: 'aged' })
    expect((await check()).check.ok).toBe(true)
    expect((await secret()).accessJwt).not.toBe('aged')
    await pds.revokeAppPassword(person)
    await age({ accessJwt: 'aged', refreshJwt: 'spent' })
    expect(await check()).toMatchObject({ state: 'reconnect', check: { ok: false } })
  })
})
