import { afterAll, beforeAll, describe, expect, setDefaultTimeout, spyOn, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type House, openHouse } from './cast.ts'
import { isolationTally } from './tally.ts'
import { bodyFor, fill, formFor, type Route, routesOf } from './walk.ts'
import { buildWorld, type World } from './world.ts'

setDefaultTimeout(120_000)

const settings = {
  N8N_URL: 'http://127.0.0.1:9',
  COMFYUI_URL: 'http://127.0.0.1:9',
  RATE_LIMIT: 'off',
  LOG_LEVEL: 'debug',
}
const tally = isolationTally('routes')
const alicesMark = 'only-northwind-may-see-this'
const dansMark = 'southpaws-own'

let house: House
let alices: World
let dans: World
let routes: Route[]
let before: Record<string, string>

/** Everything the app logged, at its most talkative. */
const logged: string[] = []
const listening = spyOn(process.stderr, 'write').mockImplementation(line => logged.push(String(line)) > 0)

beforeAll(async () => {
  house = await openHouse(settings)
  routes = routesOf(house.app)
  alices = await buildWorld(house, house.alice, alicesMark)
  dans = await buildWorld(house, house.dan, dansMark)
  before = await northwind()
})
afterAll(async () => {
  await house.close()
  listening.mockRestore()
})

/** A fingerprint of every table, and of every file, that belongs to Northwind. */
async function northwind(): Promise<Record<string, string>> {
  const { owner } = house.services.db
  const { id, schema } = house.alice.tenant
  const tables = await owner`select tablename as name from pg_tables where schemaname = ${schema} order by 1`
  const found: Record<string, string> = {}
  for (const { name } of tables) {
    const [row] = await owner.unsafe(
      `select count(*) || ' ' || md5(coalesce(string_agg(t::text, E'\\n' order by t::text), '')) as print from ${schema}."${name}" t`,
    )
    found[name as string] = row?.print as string
  }
  const [shared] = await owner`
    select md5((select string_agg(t::text, ',') from public.tenants t where id = ${id})
      || (select coalesce(string_agg(d::text, ',' order by d::text), '') from public.sign_in_directory d where tenant_id = ${id})
      || (select coalesce(string_agg(d::text, ','), '') from public.tenant_due d where tenant_id = ${id})) as print`
  found.public = shared?.print as string
  const folder = house.services.config.dataDir
  found.files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.parentPath.includes(id))
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
    .map(path => `${path.slice(folder.length)} ${Bun.hash(readFileSync(path))}`)
    .join('\n')
  return found
}

interface Meeting {
  status: number
  text: string
  location: string
  type: string
}

const read = async (response: Response): Promise<Meeting> => {
  const type = response.headers.get('content-type') ?? ''
  return {
    status: response.status,
    text: await (type.startsWith('text/event-stream') ? beginning(response) : response.text()),
    location: response.headers.get('location') ?? '',
    type,
  }
}

/** What a stream that does not end by itself says at first. */
async function beginning(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  if (!reader) return ''
  const first = await Promise.race([reader.read(), Bun.sleep(1_000)])
  await reader.cancel()
  return first?.value ? new TextDecoder().decode(first.value) : ''
}

/** Calls a route as the given person, or as nobody, with the things of `of` in the address and of `about` in the body. */
async function meet(
  route: Route,
  as: World | null,
  of: World,
  about: World = of,
  path = fill(route, of),
): Promise<Meeting> {
  const headers: Record<string, string> = {}
  const init: RequestInit = { method: route.method, headers, redirect: 'manual' }
  if (route.door === 'api') {
    if (as) headers.authorization = `Bearer ${as.person.key}`
    const body = await bodyFor(route, about)
    if (body instanceof FormData) init.body = body
    else if (body !== undefined) {
      headers['content-type'] = 'application/json'
      init.body = JSON.stringify(body)
    }
  } else {
    if (as) headers.cookie = await as.person.cookie()
    if (route.method !== 'GET') {
      headers.origin = 'http://localhost'
      const form = await formFor(route, about)
      init.body = form instanceof FormData ? form : new URLSearchParams(form ?? {})
    }
  }
  return read(await house.app.handle(new Request(`http://localhost${path}`, init)))
}

const called = ({ method, path }: Route) => `${method} ${path}`

/** The draft that is kept while one types answers every refusal in its own line of the form, with 422. */
const inItsOwnLine = 'POST /w/:slug/content/:id/draft'
const unsaid = (route: Route, met: Meeting) =>
  called(route) === inItsOwnLine && met.status === 422 && /nothing here|Sign in first/.test(met.text)

const doors = (...wanted: Route['door'][]) => routes.filter(({ door }) => wanted.includes(door))

/** What Dan must never read: Northwind's words, and its ids other than those he sent himself. */
function leaks({ text, location }: Meeting): string[] {
  const said = `${text}\n${location}`
  const secret = [alicesMark, house.alice.name, house.alice.email, house.alice.tenant.schema]
  return [...tally.tried(secret.filter(word => said.includes(word)))]
}

describe('a stranger with Northwind’s ids', () => {
  test('there is an address for every route', () => {
    expect(routes.length).toBeGreaterThan(80)
    for (const route of routes) expect(fill(route, alices)).not.toContain(':')
    for (const door of ['api', 'page', 'feed', 'link'] as const) expect(doors(door).length).toBeGreaterThan(1)
  })

  test('meets 404 at every address of the API that names something', async () => {
    for (const route of doors('api').filter(({ named }) => named)) {
      const met = await meet(route, dans, alices)
      expect({ route: called(route), status: met.status, leaks: leaks(met) }).toEqual({
        route: called(route),
        status: 404,
        leaks: [],
      })
      expect(JSON.parse(met.text).code).toBe('not_found')
    }
  })

  test('meets 404 at every such page of his own workspace', async () => {
    for (const route of doors('page').filter(({ named }) => named)) {
      const path = fill(route, alices).replace(`/w/${alices.slug}`, `/w/${dans.slug}`)
      const met = await meet(route, dans, alices, alices, path)
      const status = unsaid(route, met) ? 404 : met.status
      expect({ route: called(route), status, leaks: leaks(met) }).toEqual({
        route: called(route),
        status: 404,
        leaks: [],
      })
    }
  })

  test('is asked to sign in at every page of Northwind, never told what is there', async () => {
    // Signing out comes last: were it carried out, every later page would ask to sign in whatever it checks.
    const ends = ({ path }: Route) => Number(/sign-out|sessions/.test(path))
    for (const route of doors('page').sort((a, b) => ends(a) - ends(b))) {
      for (const as of [dans, null]) {
        const met = await meet(route, as, alices)
        const asked =
          met.status === 401 ||
          unsaid(route, met) ||
          (met.status === 303 && met.location.startsWith('/sign-in'))
        expect({ route: called(route), status: met.status, asked, leaks: leaks(met) }).toMatchObject({
          route: called(route),
          asked: true,
          leaks: [],
        })
      }
    }
    expect((await house.dan.page('GET', `/w/${dans.slug}`)).status).toBe(200)
  })

  test('reads nothing of Northwind in any list, page or feed of his own', async () => {
    for (const route of doors('api', 'page', 'feed').filter(
      ({ method, named }) => method === 'GET' && !named,
    )) {
      const met = await meet(route, dans, dans)
      expect({ route: called(route), leaks: leaks(met), failed: met.status >= 500 }).toEqual({
        route: called(route),
        leaks: [],
        failed: false,
      })
    }
  })

  test('finds nothing of Northwind on his own feed', async () => {
    for (const route of doors('feed').filter(({ named }) => named)) {
      const path = fill(route, alices).replace(`/feed/${alices.slug}`, `/feed/${dans.slug}`)
      const met = await meet(route, null, alices, alices, path)
      expect({ route: called(route), status: met.status, leaks: leaks(met) }).toEqual({
        route: called(route),
        status: 404,
        leaks: [],
      })
    }
  })

  test('gets nowhere with one workspace’s link at the other’s address', async () => {
    for (const route of doors('link')) {
      const [ours, theirs] = [fill(route, dans).split('/'), fill(route, alices).split('/')]
      for (const path of [
        [...ours.slice(0, 3), theirs[3]].join('/'),
        [...theirs.slice(0, 3), ours[3]].join('/'),
      ]) {
        const met = await meet(route, null, alices, alices, path)
        expect({
          route: called(route),
          refused: met.status >= 400 && met.status < 500,
          leaks: leaks(met),
        }).toEqual({ route: called(route), refused: true, leaks: [] })
      }
    }
  })

  test('cannot put Northwind’s things into his own', async () => {
    const own = [
      ...doors('api').filter(route => route.method !== 'GET'),
      ...doors('page').filter(route => route.method === 'POST'),
    ]
    // What ends his own session or world comes last.
    const gentle = own.filter(
      ({ path, method }) => method !== 'DELETE' && !/removal|sign-out|cancel|archive/.test(path),
    )
    for (const route of gentle) {
      const met = await meet(route, dans, dans, alices)
      expect({ route: called(route), leaks: leaks(met), failed: met.status >= 500 }).toEqual({
        route: called(route),
        leaks: [],
        failed: false,
      })
    }
    const { owner } = house.services.db
    const northwinds = [alices.media, alices.account, alices.feed, alices.content, alices.job, alices.user]
    const { schema } = house.dan.tenant
    const tables = await owner`
      select tablename as name from pg_tables where schemaname = ${schema} and tablename <> 'drafts' and tablename <> 'idempotency_keys'`
    for (const { name } of tables) {
      const rows = await owner.unsafe(`select t::text as row from ${schema}."${name}" t`)
      const text = rows.map(({ row }) => row as string).join('\n')
      expect({ table: name, holds: northwinds.filter(id => text.includes(id)) }).toEqual({
        table: name,
        holds: [],
      })
    }
    const composer = await house.dan.page('GET', `/w/${dans.slug}/content/${dans.content}`)
    expect(composer.status).toBe(200)
    expect(leaks({ ...composer, text: composer.html, type: '' })).toEqual([])
    const list = await house.dan.page('GET', `/w/${dans.slug}/content`)
    expect(leaks({ ...list, text: list.html, type: '' })).toEqual([])
  })

  test('after all of it no row and no file of Northwind is another', async () => {
    expect(await northwind()).toEqual(before)
  })
})

describe('the same addresses for those they belong to', () => {
  // Without this, a wrong id or a body that is refused would look like a wall.
  test('every route is found by its own people, with the same ids and bodies', async () => {
    let world = dans
    for (const route of doors('api', 'page', 'feed').filter(({ named }) => named)) {
      let met = await meet(route, world, world)
      if (met.status >= 400) {
        // A route before it has used this world up.
        world = await buildWorld(house, house.dan, dansMark)
        met = await meet(route, world, world)
      }
      // A form that came back on the thing's own page has found it.
      const found =
        met.status < 400 || met.status === 409 || (met.status === 422 && met.text.includes(dansMark))
      const words = found ? '' : met.text
      expect({ route: called(route), status: met.status, found, words }).toMatchObject({ found: true })
    }
  })
})

describe('the log, while all of this went on', () => {
  test('holds what was asked, and no word, token, key or secret of anybody', async () => {
    for (const route of doors('api', 'page', 'feed').filter(({ method }) => method === 'GET'))
      await meet(route, alices, alices)
    const all = logged.join('')
    const walked = routes.filter(({ door }) => ['api', 'page', 'feed', 'link'].includes(door))
    // Paths stand there without the workspace's name, which goes when the workspace does.
    expect(all).not.toContain('southpaw')
    expect(all.match(/GET \/w\/…/g)?.length).toBeGreaterThan(20)
    expect(logged.length).toBeGreaterThan(walked.length)
    const { config } = house.services
    const cookies = await Promise.all([house.alice.cookie(), house.dan.cookie()])
    const secret = {
      words: [alicesMark, dansMark],
      people: [house.alice, house.bob, house.dan].flatMap(({ name, email }) => [name, email]),
      keys: [house.alice, house.dan].map(({ key }) => key.slice(-20)),
      cookies: cookies.map(cookie => cookie.slice(-20)),
      links: [alices, dans].flatMap(({ inviteToken, resetToken }) => [inviteToken, resetToken]),
      instance: [config.secret, house.services.setupCode],
      passwords: ['another quiet desk somewhere', 'none of these'],
    }
    for (const [what, values] of Object.entries(secret))
      for (const value of values) {
        const found = logged.filter(line => line.includes(value)).slice(0, 2)
        expect({ what, found: tally.tried(found) }).toEqual({ what, found: [] })
      }
  })

  test('is one line an event, whatever was in the address', async () => {
    logged.length = 0
    for (const path of ['/w/x%0Aforged', '/feed/x%0d%0aforged', `/join/${dans.tenantId}/a%0Aforged`])
      await house.anyone('GET', path)
    // The line is written after the answer.
    while (logged.length < 3) await Bun.sleep(5)
    expect(logged).toHaveLength(3)
    for (const line of logged) expect(line.trimEnd()).not.toMatch(/[\r\n]/)
  })

  test('has no link’s token, however the link was mangled on its way', async () => {
    logged.length = 0
    const { tenantId } = dans
    const mangled = [
      `/join/${tenantId}/secret-token`,
      `/reset/${tenantId}/secret-token/`,
      `//join/${tenantId}/secret-token`,
      `/join/${tenantId}//secret-token`,
      `/join%2F${tenantId}%2Fsecret-token`,
      `/JOIN/${tenantId.toUpperCase()}/secret-token`,
      `/w/southpaw/join/${tenantId}/secret-token`,
    ]
    for (const path of mangled) await house.app.handle(new Request(`http://localhost${path}`))
    while (logged.length < mangled.length) await Bun.sleep(5)
    expect(logged.filter(line => line.includes('secret-token'))).toEqual([])
  })
})
