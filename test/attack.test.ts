/**
 * Dan, who owns Southpaw, with everything but ids in his hands: forged and crossed credentials, spelled-out paths,
 * headers, names that both workspaces use; and two workspaces in which every id is the same.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createHmac } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { createWorker } from '../src/jobs/worker.ts'
import { derivePassword } from '../src/lib/seal.ts'
import { accountSecret, reseal, sealedColumns, sealFor } from '../src/tenants/sealed.ts'
import { type House, openHouse } from './cast.ts'
import { type Served, serve } from './peers/serve.ts'
import { testPassword, testSecret } from './setup.ts'
import { isolationTally } from './tally.ts'
import { bodyFor, fill, formFor, type Route, routesOf } from './walk.ts'
import { buildWorld, type World } from './world.ts'

setDefaultTimeout(120_000)

const settings = { N8N_URL: 'http://127.0.0.1:9', COMFYUI_URL: 'http://127.0.0.1:9' }
const mark = 'only-northwind-may-see-this'
const dansMark = 'southpaws-own'
const tally = isolationTally('credentials, paths, headers, equal ids')

let house: House
let alices: World
let dans: World
beforeAll(async () => {
  house = await openHouse({ ...settings, RATE_LIMIT: 'off', PUBLIC_URL: 'http://desk.example' })
  alices = await buildWorld(house, house.alice, mark)
  dans = await buildWorld(house, house.dan, dansMark)
})
afterAll(() => house.close())

const ask = (path: string, init: RequestInit = {}, at = 'http://localhost') =>
  Promise.resolve(house.app.handle(new Request(`${at}${path}`, { redirect: 'manual', ...init })))

/** Northwind's words in a text, counted as one try. */
const leaks = (text: string) => [
  ...tally.tried(
    [mark, house.alice.name, house.alice.email, house.alice.tenant.schema].filter(word =>
      text.includes(word),
    ),
  ),
]

describe('a token or key that was forged or crossed', () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const key = () => derivePassword(testSecret, 'session tokens')
  const signed = (header: object, claims: object, secret: string | Buffer = key()) => {
    const text = `${part(header)}.${part(claims)}`
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  }
  const plain = { alg: 'HS256', typ: 'JWT' }
  const soon = () => Math.floor(Date.now() / 1000) + 600

  /** A session of Dan's, as its token has it. */
  async function session(door: 'page' | 'api'): Promise<{ token: string; claims: Record<string, unknown> }> {
    const token = door === 'page' ? (await house.dan.cookie()).replace(/^\w+=/, '') : await apiToken()
    return { token, claims: JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) }
  }

  async function apiToken(): Promise<string> {
    const answer = await ask('/api/v1/sessions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ workspace: 'southpaw', email: house.dan.email, password: testPassword }),
    })
    return ((await answer.json()) as { token: string }).token
  }

  test('is nobody’s at the API', async () => {
    const { token, claims } = await session('api')
    const page = await session('page')
    const bearer = (value: string) => ask('/api/v1/me', { headers: { authorization: `Bearer ${value}` } })
    expect((await bearer(token)).status).toBe(200)
    expect((await bearer(signed(plain, claims))).status).toBe(200)
    const tenant = house.alice.tenant.id
    const [head, , tail] = token.split('.')
    const dansKey = house.dan.key
    const secretOf = (whole: string) => whole.slice(whole.lastIndexOf('_') + 1)
    const forged: Record<string, string> = {
      'no algorithm': `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`,
      'no algorithm, other tenant': `${part({ alg: 'none' })}.${part({ ...claims, tenant })}.`,
      'no algorithm, spelled otherwise': `${part({ alg: 'NonE' })}.${part({ ...claims, tenant })}.`,
      'an algorithm with the old signature': `${part({ alg: 'none' })}.${part({ ...claims, tenant })}.${tail}`,
      'other tenant under the old signature': `${head}.${part({ ...claims, tenant })}.${tail}`,
      'other tenant, rightly signed': signed(plain, { ...claims, tenant }),
      'other tenant and user, rightly signed': signed(plain, { ...claims, tenant, user: house.alice.id }),
      'a key of one’s own in the head': signed({ ...plain, jwk: { kty: 'oct', k: 'eA' } }, claims, 'x'),
      'a key’s address in the head': signed({ ...plain, jku: 'http://127.0.0.1/keys' }, claims, 'x'),
      'a key’s path in the head': signed({ ...plain, kid: '../../../dev/null' }, claims, ''),
      'another algorithm': signed({ ...plain, alg: 'HS512' }, claims),
      'signed with the instance’s secret itself': signed(plain, claims, testSecret),
      'signed with nothing': signed(plain, claims, ''),
      'over long ago': signed(plain, { ...claims, exp: 1 }),
      'valid in a while': signed(plain, { ...claims, nbf: soon() }),
      'for the pages': signed(plain, { ...claims, aud: 'masthead:page' }),
      'for somebody else': signed(plain, { ...claims, iss: 'elsewhere' }),
      'a session that never was': signed(plain, { ...claims, session: 'x' }),
      'a tenant that is no id': signed(plain, { ...claims, tenant: `${tenant}' or true --` }),
      'a tenant that is a list': signed(plain, { ...claims, tenant: [tenant] }),
      'the page’s token': page.token,
      'his key under Northwind’s id': `mh_${tenant}_${secretOf(dansKey)}`,
      'his key under Northwind’s id, in capitals': `mh_${tenant.toUpperCase()}_${secretOf(dansKey)}`,
      'the hash of a key': `mh_${tenant}_${createHmac('sha256', 'x').update(house.alice.key).digest('hex')}`,
      'a key cut short': house.alice.key.slice(0, -1),
      'a key made longer': `${house.alice.key}0`,
      'two keys': `${house.dan.key},${house.alice.key.slice(0, -4)}`,
    }
    for (const [what, value] of Object.entries(forged)) {
      const answer = await bearer(value)
      const text = await answer.text()
      expect({ what, status: answer.status, leaks: leaks(text) }).toEqual({ what, status: 401, leaks: [] })
    }
  })

  test('opens no page', async () => {
    const own = await house.dan.cookie()
    const { claims } = await session('page')
    const api = await session('api')
    const tenant = house.alice.tenant.id
    const cookies: Record<string, string> = {
      'his own at her address': own,
      'hers by tenant, rightly signed': `masthead=${signed(plain, { ...claims, tenant })}`,
      'the API’s': `masthead=${api.token}`,
      'the API’s, said to be for pages': `masthead=${signed(plain, { ...api.claims, aud: 'masthead:page' })}`,
      'two of one name': `${own}; masthead=x`,
      'his own under the name for https': `__Secure-${own}`,
      'a key': `masthead=${house.dan.key}`,
    }
    for (const [what, cookie] of Object.entries(cookies))
      for (const path of ['/w/northwind', '/w/northwind/people', `/w/northwind/media/${alices.media}/file`]) {
        const answer = await ask(path, { headers: { cookie } })
        const text = `${await answer.text()}${answer.headers.get('location') ?? ''}`
        expect({ what, path, let: answer.status < 300, leaks: leaks(text) }).toEqual({
          what,
          path,
          let: false,
          leaks: [],
        })
      }
    const hers = await house.alice.cookie()
    for (const path of [
      '/w/southpaw',
      '/w/Northwind',
      '/w/northwind%2f..%2fsouthpaw',
      '/w/southpaw/../northwind2',
    ])
      expect({ path, let: (await ask(path, { headers: { cookie: hers } })).status < 300 }).toEqual({
        path,
        let: false,
      })
  })

  test('of one workspace’s link opens nothing of the other, with a form that would do', async () => {
    const users = async () =>
      (await house.services.db.owner.unsafe(`select id from ${house.alice.tenant.schema}.users`)).length
    const before = await users()
    const form = { name: 'Dan', password: 'another quiet desk somewhere' }
    for (const path of [
      `/join/${alices.tenantId}/${dans.inviteToken}`,
      `/reset/${alices.tenantId}/${dans.resetToken}`,
      `/join/${alices.tenantId}/${dans.resetToken}`,
      `/reset/${alices.tenantId}/${dans.inviteToken}`,
      `/join/${alices.tenantId}/${alices.resetToken}`,
      `/reset/${alices.tenantId}/${alices.inviteToken}`,
    ]) {
      const answer = await house.anyone('POST', path, form)
      expect({ path, status: answer.status, cookie: answer.headers.get('set-cookie') }).toMatchObject({
        status: 404,
        cookie: null,
      })
      expect(leaks(answer.html)).toEqual([])
    }
    expect(await users()).toBe(before)
  })
})

describe('paths', () => {
  /** Ways to spell a way out of where one is. */
  const outs = (target: string) => [
    `../${target}`,
    `..%2f${target.replaceAll('/', '%2f')}`,
    `%2e%2e/${target}`,
    `%2e%2e%2f${target.replaceAll('/', '%2F')}`,
    `..%252f${target.replaceAll('/', '%252f')}`,
    `..%5c${target.replaceAll('/', '%5c')}`,
    `....//${target}`,
    `..;/${target}`,
    `.%2e/${target}`,
    `/${target}`,
    `%2f${target}`,
    `file:%2f%2f%2f${target}`,
    `${target}%00`,
    `${target}%00.png`,
    `..%c0%af${target}`,
  ]

  test('lead to no picture of Northwind, at any door', async () => {
    const { tenantId, media } = alices
    const files = join(house.services.config.dataDir, 'media', tenantId)
    const pictures = readdirSync(files).map(name => readFileSync(join(files, name)))
    expect(pictures.length).toBeGreaterThan(1)
    const names = [
      media,
      `${media}.thumbnail`,
      `${media}.png`,
      `${tenantId}/${media}`,
      ...outs(`${tenantId}/${media}`),
      ...outs(`media/${tenantId}/${media}`),
      ...outs('secret'),
      ...outs('postgres/PG_VERSION'),
    ]
    const cookie = await house.dan.cookie()
    const authorization = `Bearer ${house.dan.key}`
    for (const name of names)
      for (const [path, headers] of [
        [`/w/southpaw/media/${name}/file`, { cookie }],
        [`/w/southpaw/media/${name}/file?size=thumbnail`, { cookie }],
        [`/w/southpaw/media/${name}`, { cookie }],
        [`/api/v1/media/${name}/file`, { authorization }],
        [`/api/v1/media/${name}/file?size=../full`, { authorization }],
        [`/feed/southpaw/media/${name}`, {}],
        [`/feed/southpaw/media/${name}?size=thumbnail`, {}],
      ] as [string, Record<string, string>][]) {
        const answer = await ask(path, { headers })
        const bytes = Buffer.from(await answer.arrayBuffer())
        const found = pictures.some(picture => picture.equals(bytes)) ? ['picture'] : []
        expect({
          path,
          refused: answer.status >= 400 && answer.status < 500,
          found: tally.tried(found),
        }).toEqual({
          path,
          refused: true,
          found: [],
        })
      }
    // The same words for those they belong to, or the above would prove nothing.
    const hers = await ask(`/api/v1/media/${media}/file`, {
      headers: { authorization: `Bearer ${house.alice.key}` },
    })
    const bytes = Buffer.from(await hers.arrayBuffer())
    expect(pictures.some(picture => picture.equals(bytes))).toBe(true)
  })

  test('lead out of no folder of the app’s own files', async () => {
    for (const name of [
      ...outs('package.json'),
      ...outs('../package.json'),
      ...outs('src/main.ts'),
      ...outs('../../../../../../etc/passwd'),
      'css/../../package.json',
      'css%2f..%2f..%2fpackage.json',
      'css/%2e%2e/%2e%2e/package.json',
    ]) {
      const answer = await ask(`/public/${name}`)
      const text = await answer.text()
      const found = /"dependencies"|root:x:|import /.test(text) ? ['a file'] : []
      expect({ name, status: answer.status, found: tally.tried(found) }).toEqual({
        name,
        status: 404,
        found: [],
      })
    }
  })

  test('what a browser or a proxy has kept is asked for anew: a known ETag opens nothing', async () => {
    const hers = await ask(`/api/v1/media/${alices.media}/file`, {
      headers: { authorization: `Bearer ${house.alice.key}` },
    })
    const etag = hers.headers.get('etag') ?? ''
    expect(etag).not.toBe('')
    expect(hers.headers.get('cache-control')).toStartWith('private')
    const headers = { 'if-none-match': etag }
    for (const [path, more] of [
      [`/api/v1/media/${alices.media}/file`, { authorization: `Bearer ${house.dan.key}` }],
      [`/w/southpaw/media/${alices.media}/file`, { cookie: await house.dan.cookie() }],
      [`/feed/southpaw/media/${alices.media}`, {}],
      [`/w/northwind/media/${alices.media}/file`, { cookie: await house.dan.cookie() }],
    ] as [string, Record<string, string>][]) {
      const { status } = await ask(path, { headers: { ...headers, ...more } })
      tally.tried(status === 304 ? ['it is there'] : [])
      expect({ path, status: [401, 404, 303].includes(status) }).toEqual({ path, status: true })
    }
    // Nothing that somebody has to sign in for may be kept by others on the way.
    for (const [path, more] of [
      ['/w/northwind', { cookie: await house.alice.cookie() }],
      ['/api/v1/me', { authorization: `Bearer ${house.alice.key}` }],
      ['/api/v1/content', { authorization: `Bearer ${house.alice.key}` }],
    ] as [string, Record<string, string>][]) {
      const kept = (await ask(path, { headers: more })).headers.get('cache-control') ?? ''
      expect({ path, kept: /public|max-age=[1-9]/.test(kept) }).toEqual({ path, kept: false })
    }
  })
})

describe('names that both workspaces use', () => {
  test('an Idempotency-Key of one is not the other’s, nor another person’s', async () => {
    const key = { 'idempotency-key': 'the-very-same' }
    const post = (person: (typeof house)['alice'], text: string) =>
      person.api('POST', '/content', { text }, key)
    const hers = await post(house.alice, 'kept')
    const his = await post(house.dan, 'kept')
    const bobs = await post(house.bob, 'bob’s')
    expect([hers.status, his.status, bobs.status]).toEqual([201, 201, 201])
    expect(new Set([hers.body.id, his.body.id, bobs.body.id]).size).toBe(3)
    tally.tried(his.body.id === hers.body.id ? ['the answer'] : [])
    const again = await Promise.all([post(house.alice, 'kept'), post(house.dan, 'kept')])
    expect(again.map(({ body }) => body.id)).toEqual([hers.body.id, his.body.id])
    // At the same moment, too.
    const both = await Promise.all(
      [house.alice, house.dan].map(person =>
        person.api('POST', '/content', { text: person.name }, { 'idempotency-key': 'at-once' }),
      ),
    )
    expect(both.map(({ status }) => status)).toEqual([201, 201])
  })

  test('who uses up his own requests, or guesses at keys of Northwind, costs Alice none', async () => {
    const strict = await openHouse(settings)
    try {
      const guess = (n: number) =>
        strict.app.handle(
          new Request('http://localhost/api/v1/me', {
            headers: {
              authorization: `Bearer mh_${strict.alice.tenant.id}_${'0'.repeat(40)}${n % 3}`,
              'x-forwarded-for': `10.0.0.${n % 250}`,
            },
          }),
        )
      for (let n = 0; n < 620; n++) await Promise.all([strict.dan.api('GET', '/me'), guess(n)])
      expect((await strict.dan.api('GET', '/me')).status).toBe(429)
      const hers = await strict.alice.api('GET', '/me')
      tally.tried(hers.status === 200 ? [] : ['a limit'])
      expect(hers.status).toBe(200)
      // A sign-in is counted by address and by mail address: another workspace’s name gives no further tries.
      const signIn = (workspace: string, forwarded: string) =>
        strict.anyone(
          'POST',
          '/sign-in',
          { email: strict.dan.email, password: 'none of these at all', workspace },
          { 'x-forwarded-for': forwarded },
        )
      const statuses: number[] = []
      for (let n = 0; n < 7; n++)
        statuses.push((await signIn(n % 2 ? 'northwind' : 'southpaw', `10.1.0.${n}`)).status)
      expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429])
    } finally {
      await strict.close()
    }
  })
})

describe('headers', () => {
  const lies = {
    host: 'evil.example',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'https',
    'x-forwarded-for': '127.0.0.1',
    forwarded: 'host=evil.example;proto=https',
    'x-original-url': '/w/northwind',
    'x-rewrite-url': '/w/northwind',
    'x-http-method-override': 'DELETE',
    'x-masthead-tenant': 'northwind',
  }

  test('name no other place, and lead into no other workspace', async () => {
    const cookie = await house.dan.cookie()
    const routes = routesOf(house.app).filter(({ method, door }) => method === 'GET' && door !== 'api')
    for (const route of routes) {
      const path = fill(route, dans)
      const answer = await ask(path, { headers: { ...lies, ...(route.door === 'page' ? { cookie } : {}) } })
      const type = answer.headers.get('content-type') ?? ''
      const text = type.startsWith('text/event-stream') ? '' : await answer.text()
      const said = `${text}${answer.headers.get('location') ?? ''}${answer.headers.get('set-cookie') ?? ''}`
      expect({ path, evil: said.includes('evil.example'), leaks: leaks(said) }).toEqual({
        path,
        evil: false,
        leaks: [],
      })
    }
    const { id } = (await house.dan.api('POST', '/content', { text: 'stays' })).body
    await house.dan.api('GET', `/content/${id}`, undefined, lies)
    expect((await house.dan.api('GET', `/content/${id}`)).status).toBe(200)
  })

  test('make no page of another origin ours', async () => {
    for (const origin of [
      'http://evil.example',
      'https://evil.example',
      'null',
      'http://desk.example.evil.example',
    ])
      for (const more of [{}, { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' }]) {
        const answer = await house.dan.page(
          'POST',
          '/w/southpaw/settings/workspace',
          { name: 'Taken over', zone: 'Europe/Berlin' },
          { origin, ...more },
        )
        tally.tried(answer.status === 403 ? [] : ['another origin'])
        expect({ origin, more, status: answer.status }).toEqual({ origin, more, status: 403 })
      }
  })
})

describe('two workspaces in which every id is the same', () => {
  let twins: House
  let hers: World
  let his: World
  let receiver: Served
  const secrets: Record<string, string> = {}

  beforeAll(async () => {
    receiver = await serve(() => Response.json({}))
    twins = await openHouse({
      ...settings,
      RATE_LIMIT: 'off',
      OUTBOUND_ALLOW: new URL(receiver.url).host,
    })
    hers = await buildWorld(twins, twins.alice, mark)
    const hook = await twins.alice.api('POST', '/accounts', {
      platform: 'webhook',
      settings: { url: `${receiver.url}/northwind` },
    })
    secrets.northwind = hook.body.secret
    const content = await twins.alice.api('POST', '/content', { text: `${mark} by hook` })
    await twins.alice.api('POST', `/content/${content.body.id}/publish-jobs`, {
      accounts: [hook.body.id],
      at: new Date(Date.now() + 3_600_000).toISOString(),
    })
    await copyWorld(hook.body.id)
    his = { ...hers, person: twins.dan, mark: dansMark, slug: 'southpaw', tenantId: twins.dan.tenant.id }
  })
  afterAll(async () => {
    await twins.close()
    await receiver.stop()
  })

  /** Puts a copy of everything of Northwind beside what Southpaw has, under the same ids, with Southpaw's mark in it. */
  async function copyWorld(hook: string): Promise<void> {
    const { owner, tenantById } = twins.services.db
    const [from, to] = [twins.alice.tenant, twins.dan.tenant]
    const tables = await owner`
      select tablename as name from pg_tables where schemaname = ${from.schema}
        and tablename not in ('workspace', 'sessions', 'api_keys', 'idempotency_keys') order by 1`
    await owner.begin(async tx => {
      await tx.unsafe("set local session_replication_role = 'replica'")
      await tx.unsafe(`delete from ${to.schema}.social_accounts`)
      for (const { name } of tables)
        await tx.unsafe(
          `insert into ${to.schema}."${name}"
           select n.* from ${from.schema}."${name}" o, lateral jsonb_populate_record(null::${to.schema}."${name}",
             replace(replace(replace(to_jsonb(o)::text, '${mark}', '${dansMark}'), '/northwind"', '/southpaw"'),
               '@northwind', '@copied')::jsonb) n`,
        )
    })
    const [alice, dan] = await Promise.all([tenantById(from.id), tenantById(to.id)])
    if (!alice || !dan) throw new Error('the cast is not there')
    await twins.services.db.within({ tenantId: to.id, userId: null, role: 'system' }, async ({ sql }) => {
      for (const column of sealedColumns.filter(({ lasts }) => lasts)) {
        const names = [...new Set(['id', ...column.place, column.column])]
        for (const row of await sql`select ${sql(names)} from ${sql(column.table)}`) {
          const value = reseal(column, row, alice, dan)
          await sql`update ${sql(column.table)} set ${sql(column.column)} = ${value} where id = ${row.id}`
        }
      }
      // A secret of its own, to be told apart by its signature.
      secrets.southpaw = `whsec_${Buffer.from('southpaw has a secret of its own').toString('base64')}`
      await sql`
        update social_accounts set secret = ${sealFor(dan, accountSecret, { id: hook }, JSON.stringify({ secret: secrets.southpaw }))} where id = ${hook}`
      await sql`
        update tenant_due set next_due_at = (select min(run_at) from publish_jobs where state = 'scheduled')
        where role = current_user`
    })
    const { files } = twins.services
    for (const size of ['full', 'thumbnail'] as const) {
      const bytes = await files.read(from.id, hers.media, size)
      if (bytes) await files.write(to.id, hers.media, size, Buffer.concat([bytes, Buffer.from(dansMark)]))
    }
  }

  async function northwind(): Promise<Record<string, string>> {
    const { owner } = twins.services.db
    const { schema, id } = twins.alice.tenant
    const prints: Record<string, string> = {}
    for (const {
      name,
    } of await owner`select tablename as name from pg_tables where schemaname = ${schema}`) {
      const [row] = await owner.unsafe(
        `select md5(coalesce(string_agg(t::text, E'\\n' order by t::text), '')) as print from ${schema}."${name}" t`,
      )
      prints[name as string] = row?.print as string
    }
    const folder = join(twins.services.config.dataDir, 'media', id)
    for (const name of readdirSync(folder).sort())
      prints[name] = String(Bun.hash(readFileSync(join(folder, name))))
    return prints
  }

  async function meet(route: Route, world: World): Promise<{ status: number; text: string }> {
    const headers: Record<string, string> = {}
    const init: RequestInit = { method: route.method, headers, redirect: 'manual' }
    if (route.door === 'api') {
      headers.authorization = `Bearer ${world.person.key}`
      const body = await bodyFor(route, world)
      if (body instanceof FormData) init.body = body
      else if (body !== undefined) {
        headers['content-type'] = 'application/json'
        init.body = JSON.stringify(body)
      }
    } else if (route.door === 'page') {
      headers.cookie = await world.person.cookie()
      if (route.method !== 'GET') {
        headers.origin = 'http://localhost'
        const form = await formFor(route, world)
        init.body = form instanceof FormData ? form : new URLSearchParams(form ?? {})
      }
    }
    const answer = await twins.app.handle(new Request(`http://localhost${fill(route, world)}`, init))
    const type = answer.headers.get('content-type') ?? ''
    return {
      status: answer.status,
      text: type.startsWith('text/event-stream') ? '' : await answer.text(),
    }
  }

  test('each reads its own, at every address', async () => {
    const reads = routesOf(twins.app).filter(
      ({ method, door }) => method === 'GET' && ['api', 'page', 'feed'].includes(door),
    )
    let told = 0
    for (const route of reads)
      for (const [world, other] of [
        [his, mark],
        [hers, dansMark],
      ] as const) {
        const met = await meet(route, world)
        const found = met.text.includes(other) ? [other] : []
        told += met.text.includes(world.mark) ? 1 : 0
        expect({
          route: route.path,
          as: world.slug,
          failed: met.status >= 500,
          found: tally.tried(found),
        }).toEqual({ route: route.path, as: world.slug, failed: false, found: [] })
      }
    // Most addresses say something of the workspace's own.
    expect(told).toBeGreaterThan(reads.length)
  })

  test('what is due goes out once for each, in its own words, to its own address, with its own secret', async () => {
    await twins.shiftClock(3_700_000)
    const worker = createWorker(twins.services)
    await worker.idle()
    await worker.stop(5_000)
    await twins.shiftClock(0)
    const posts = receiver.requests.filter(({ raw }) =>
      Buffer.from(raw).toString().includes('post.published'),
    )
    expect(posts.map(({ path }) => path).sort()).toEqual(['/northwind', '/southpaw'])
    for (const { path, raw, headers } of posts) {
      const of = path.slice(1)
      const body = Buffer.from(raw).toString()
      const [own, other] = of === 'northwind' ? [mark, dansMark] : [dansMark, mark]
      expect(body).toContain(`${own} by hook`)
      expect(tally.tried(body.includes(other) ? [other] : [])).toEqual([])
      new Webhook(secrets[of] ?? '').verify(body, Object.fromEntries(headers))
    }
  })

  test('what Dan writes and removes at every address is his alone', async () => {
    const before = await northwind()
    const writes = routesOf(twins.app).filter(
      ({ method, door }) => method !== 'GET' && ['api', 'page'].includes(door),
    )
    // What ends his session, or closes his workspace, comes after all the rest.
    const last = ({ path, method }: Route) =>
      /sign-out|sessions|erasure/.test(path)
        ? 2
        : Number(method === 'DELETE' || /removal|cancel|archive/.test(path))
    for (const route of writes.sort((a, b) => last(a) - last(b))) {
      const met = await meet(route, his)
      expect({
        route: `${route.method} ${route.path}`,
        failed: met.status >= 500,
        found: tally.tried(met.text.includes(mark) ? [mark] : []),
      }).toEqual({ route: `${route.method} ${route.path}`, failed: false, found: [] })
    }
    expect(await northwind()).toEqual(before)
    // And it was not for nothing: his own things are changed or gone.
    expect((await twins.dan.api('GET', `/media/${his.media}`)).status).toBe(404)
    expect((await twins.alice.api('GET', `/media/${hers.media}`)).status).toBe(200)
  })
})
