import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { newId } from '../src/lib/id.ts'
import { type House, openHouse } from './cast.ts'
import { bodyFor, fill, type Route, routesOf } from './walk.ts'
import { buildWorld, type World } from './world.ts'

setDefaultTimeout(120_000)

let house: House
let world: World
let routes: Route[]
beforeAll(async () => {
  house = await openHouse({
    N8N_URL: 'http://127.0.0.1:9',
    COMFYUI_URL: 'http://127.0.0.1:9',
    RATE_LIMIT: 'off',
  })
  world = await buildWorld(house, house.alice, 'shape')
  routes = routesOf(house.app).filter(({ path }) => path.startsWith('/api/v1/'))
})
afterAll(() => house.close())

interface Answer {
  status: number
  headers: Headers
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: a test reads any answer's fields
  body: any
}

const called = ({ method, path }: Route) => `${method} ${path}`
const withBody = () => routes.filter(({ takesBody }) => takesBody)
const isUpload = ({ method, path }: Route) => `${method} ${path}` === 'POST /api/v1/media'
const free = new Set(['POST /api/v1/sessions', 'GET /api/v1/openapi.json'])
/** Routes that may be called without a body. */
const optional = new Set(['POST /api/v1/content/:id/approval', 'POST /api/v1/workflows/:id/runs'])
/** What others than owners, admins and editors may do. */
const byAnybody = ['POST /content/:id/comments', 'POST /notifications/:id/done', 'POST /notifications/done']
const byAuthors = new Set([
  ...byAnybody,
  'POST /content',
  'PATCH /content/:id',
  'DELETE /content/:id',
  'POST /content/:id/restoration',
  'POST /content/:id/copies',
  'POST /content/:id/submission',
  'DELETE /content/:id/submission',
  'POST /media',
  'POST /media/generations',
  'PATCH /media/:id',
  'DELETE /media/:id',
])
const byReviewers = new Set([
  ...byAnybody,
  'POST /content/:id/approval',
  'DELETE /content/:id/approval',
  'POST /content/:id/change-request',
])
const authorised = (key = house.alice.key) => ({ authorization: `Bearer ${key}` })
const asJson = { 'content-type': 'application/json' }

/** Sends a request and checks what holds for every answer of the API, whatever was asked. */
async function ask(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string | URLSearchParams | FormData | ReadableStream | Uint8Array<ArrayBuffer>,
): Promise<Answer> {
  const init: RequestInit = { method, headers, redirect: 'manual', ...(body === undefined ? {} : { body }) }
  const response = await house.app.handle(new Request(`http://localhost${path}`, init))
  const text = await response.text()
  const type = response.headers.get('content-type') ?? ''
  const at = { at: `${method} ${path}`, status: response.status }
  expect({ ...at, failed: response.status >= 500, html: /html/.test(type) || /^\s*</.test(text) }).toEqual({
    ...at,
    failed: false,
    html: false,
  })
  expect({ ...at, id: response.headers.get('x-request-id') }).toEqual({
    ...at,
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
  })
  expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(response.headers.get('set-cookie')).toBeNull()
  const parsed = /json/.test(type) ? JSON.parse(text) : null
  if (response.status >= 400) {
    expect({ ...at, type }).toEqual({ ...at, type: 'application/problem+json' })
    // A copy: Bun's toMatchObject writes the matchers into what it is given.
    expect(JSON.parse(text)).toMatchObject({
      type: expect.any(String),
      title: expect.any(String),
      status: response.status,
      code: expect.stringMatching(/^[a-z_]+$/),
      detail: expect.stringMatching(/^[A-Z"].*[.?]$/s),
      instance: new URL(`http://localhost${path}`).pathname,
    })
  }
  return { status: response.status, headers: response.headers, text, body: parsed }
}

const verdict = (route: Route, { status, body }: Answer) => ({
  route: called(route),
  status,
  code: body?.code,
})
const expected = (route: Route, status: number, code: string) => ({ route: called(route), status, code })

describe('every route of the API', () => {
  test('without a credential that proves something: 401, before anything else is looked at', async () => {
    expect(routes.length).toBeGreaterThan(40)
    const [tenant, secret] = house.dan.key.slice(3).split('_')
    const token = await house.services.tokens.sign('page', {
      tenantId: house.alice.tenant.id,
      userId: house.alice.id,
      session: 'none',
    })
    const proofs: Record<string, string>[] = [
      {},
      { authorization: '' },
      { authorization: 'Bearer' },
      { authorization: 'Bearer x' },
      { authorization: `Basic ${btoa('alice:secret')}` },
      { authorization: house.alice.key },
      { authorization: `Bearer ${house.alice.key}x` },
      { authorization: `Bearer mh_${house.alice.tenant.id.replaceAll('-', '')}_${secret}` },
      { authorization: `Bearer ${house.alice.key.replace(/[^_]+$/, secret ?? '')}` },
      { authorization: `Bearer mh_${newId()}_${secret}` },
      { authorization: `Bearer ${token}` },
      { cookie: await house.alice.cookie() },
    ]
    expect(tenant).toBeTruthy()
    for (const route of routes.filter(one => !free.has(called(one)))) {
      const some = routes.indexOf(route) % 8 === 0 ? proofs : proofs.slice(0, 1)
      for (const headers of some) {
        const good = await bodyFor(route, world)
        const body = headers.authorization ? (good instanceof FormData ? good : JSON.stringify(good)) : '{'
        const sent = route.method === 'GET' ? undefined : body
        const type = sent instanceof FormData ? {} : asJson
        const answer = await ask(route.method, fill(route, world), { ...headers, ...type }, sent)
        expect(verdict(route, answer)).toEqual(expected(route, 401, 'unauthenticated'))
      }
    }
  })

  test('with a body that is no JSON: 400 malformed_body', async () => {
    for (const route of withBody())
      for (const text of ['{', '{"a":1,}', "{'a':1}", '\xff', 'undefined', '[1', '{"text": "\ud800'])
        expect(
          verdict(route, await ask(route.method, fill(route, world), { ...authorised(), ...asJson }, text)),
        ).toEqual(expected(route, 400, 'malformed_body'))
    const broken = new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])
    const answer = await ask('POST', '/api/v1/content', { ...authorised(), ...asJson }, broken)
    expect(answer.body.code).toBe('malformed_body')
  })

  test('with a field it does not know: 422 that names it', async () => {
    for (const route of withBody().filter(one => !isUpload(one))) {
      const known = free.has(called(route))
        ? { workspace: 'x', email: 'x', password: 'x' }
        : await bodyFor(route, world)
      const body = JSON.stringify({ ...(known as object), unheard_of: 1 })
      const answer = await ask(route.method, fill(route, world), { ...authorised(), ...asJson }, body)
      expect(verdict(route, answer)).toEqual(expected(route, 422, 'invalid'))
      expect(answer.body.detail + JSON.stringify(answer.body.errors)).toContain('unheard_of')
    }
  })

  test('with a character that cannot be stored: 422', async () => {
    for (const route of withBody())
      for (const text of ['{"text":"a\\u0000b"}', '{"text":"a\\ud800b"}', '{"a\\u0000":1}', '["\\u0000"]'])
        expect(
          verdict(route, await ask(route.method, fill(route, world), { ...authorised(), ...asJson }, text)),
        ).toEqual(expected(route, 422, 'invalid'))
  })

  test('with more than 1 MiB: 413, however the length is told', async () => {
    const large = JSON.stringify({ text: 'x'.repeat(1.1 * 1024 * 1024) })
    for (const route of withBody())
      expect(
        verdict(route, await ask(route.method, fill(route, world), { ...authorised(), ...asJson }, large)),
      ).toEqual(expected(route, 413, 'too_large'))
    const stream = new Blob([large]).stream()
    const answer = await ask('POST', '/api/v1/content', { ...authorised(), ...asJson }, stream)
    expect(answer.status).toBe(413)
  })

  test('with values of other types: 422 that says which', async () => {
    const wrong = (value: unknown): unknown => {
      if (typeof value === 'object' && value !== null) return 'not this'
      return typeof value === 'number' ? 'not a number' : 12345
    }
    for (const route of withBody().filter(one => !isUpload(one))) {
      const path = fill(route, world)
      const good = (await bodyFor(route, world)) as Record<string, unknown>
      const bodies: unknown[] = [[], 'text', 1, true, [[]]]
      for (const name of Object.keys(good ?? {})) bodies.push({ ...good, [name]: wrong(good[name]) })
      for (const body of bodies) {
        const answer = await ask(route.method, path, { ...authorised(), ...asJson }, JSON.stringify(body))
        expect({ ...verdict(route, answer), body }).toEqual({ ...expected(route, 422, 'invalid'), body })
        expect(answer.body.errors.length).toBeGreaterThan(0)
      }
    }
  })

  test('with an id that is none: 404', async () => {
    const ids = [
      'not-an-id',
      '0',
      '00000000-0000-0000-0000-000000000000',
      "'%20or%201=1",
      '%00',
      'a%2Fb',
      newId(),
    ]
    for (const route of routes.filter(({ named }) => named)) {
      for (const id of ids) {
        const path = route.path.replace(/:\w+/g, id)
        const body = await bodyFor(route, world)
        const headers =
          body === undefined || body instanceof FormData ? authorised() : { ...authorised(), ...asJson }
        const answer = await ask(
          route.method,
          path,
          headers,
          body instanceof FormData ? body : body === undefined ? undefined : JSON.stringify(body),
        )
        expect({ id, ...verdict(route, answer) }).toEqual({ id, ...expected(route, 404, 'not_found') })
      }
    }
  })

  test('that lists: 400 for a cursor of nobody’s, 422 for a limit that is none or a name it does not know', async () => {
    const lists = routes.filter(({ query }) => query.includes('limit') && query.includes('cursor'))
    expect(lists.length).toBeGreaterThan(6)
    for (const route of lists) {
      const path = fill(route, world)
      const plain = await ask('GET', path, authorised())
      expect({ route: called(route), status: plain.status, body: plain.body }).toEqual({
        route: called(route),
        status: 200,
        body: { items: expect.any(Array), next: plain.body.next },
      })
      for (const limit of ['0', '101', '-1', '1.5', 'ten', '', '1e9', 'NaN'])
        expect({
          limit,
          ...verdict(route, await ask('GET', `${path}?limit=${limit}`, authorised())),
        }).toEqual({
          limit,
          ...expected(route, 422, 'invalid'),
        })
      const foreign = Buffer.from(JSON.stringify(["' or 1=1", newId()])).toString('base64url')
      for (const cursor of ['x', 'W10', 'bnVsbA', foreign, 'a'.repeat(2000)])
        expect({
          cursor,
          ...verdict(route, await ask('GET', `${path}?cursor=${cursor}`, authorised())),
        }).toEqual({
          cursor,
          ...expected(route, 400, 'bad_cursor'),
        })
      const unknown = await ask('GET', `${path}?unheard_of=1`, authorised())
      expect(verdict(route, unknown)).toEqual(expected(route, 422, 'invalid'))
      expect(JSON.stringify(unknown.body)).toContain('unheard_of')
      for (const name of route.query)
        for (const odd of ['%00', '%F0%9F%98%80', '%ff', 'a&x=1', '1,2', `x&${name}=y`, '[]', '{}'])
          await ask('GET', `${path}?${name}=${odd}`, authorised())
    }
  })

  test('walks its pages to the end without losing or doubling one', async () => {
    for (const route of routes.filter(({ query }) => query.includes('limit') && query.includes('cursor'))) {
      const path = fill(route, world)
      const whole = (await ask('GET', `${path}?limit=100`, authorised())).body.items as object[]
      const walked: object[] = []
      let cursor: string | null = null
      do {
        const page: Answer = await ask(
          'GET',
          `${path}?limit=1${cursor ? `&cursor=${cursor}` : ''}`,
          authorised(),
        )
        expect(page.body.items.length).toBeLessThanOrEqual(1)
        walked.push(...page.body.items)
        cursor = page.body.next
      } while (cursor && walked.length <= whole.length)
      expect({ route: called(route), walked }).toEqual({ route: called(route), walked: whole })
    }
  })

  test('met in another way: an unknown address or method is 404 in the same shape', async () => {
    for (const [method, path] of [
      ['GET', '/api/v1/nothing'],
      ['GET', '/api/v1/'],
      ['GET', '/api/v2/content'],
      ['PUT', '/api/v1/content'],
      ['GET', '/api/v1/content/'],
      ['POST', '/api/v1/me'],
      ['GET', '/api/v1/sessions'],
    ] as const) {
      expect((await ask(method, path)).status).toBe(401)
      const answer = await ask(method, path, authorised())
      expect({ path, status: answer.status }).toEqual({ path, status: path.endsWith('content/') ? 200 : 404 })
    }
  })

  test('that writes: as much of it as the role of its caller may, and no more', async () => {
    const writes = routes.filter(({ method, path }) => method !== 'GET' && !/sessions|\/me(\/|$)/.test(path))
    for (const [who, may] of [
      [house.ann, byAuthors],
      [house.cora, byReviewers],
    ] as const)
      for (const route of writes) {
        const body = await bodyFor(route, world)
        const { status } = await who.api(route.method, fill(route, world).replace('/api/v1', ''), body)
        const at = `${route.method} ${route.path.replace('/api/v1', '')}`
        expect({ at, as: who.role, forbidden: status === 403 }).toEqual({
          at,
          as: who.role,
          forbidden: !may.has(at),
        })
      }
  })

  test.each(['40P01', '40001'])(
    'that met another one in the database (%s): 503 and when to come again, at both doors, and the log tells why',
    async code => {
      const { owner } = house.services.db
      const { schema } = house.alice.tenant
      const { log } = house.services
      const wish = { scope: 'workspace', reason: 'Met.' }
      const told: unknown[] = []
      const error = log.error
      log.error = (_, fields) => told.push((fields?.error as Error | undefined)?.cause)
      await owner.unsafe(
        `create function ${schema}.collide() returns trigger language plpgsql as $$ begin raise 'met' using errcode = '${code}'; end $$;
         create trigger collide before insert on ${schema}.brakes for each row execute function ${schema}.collide()`,
      )
      try {
        const answer = await house.alice.api('POST', '/brakes', wish)
        expect([answer.status, answer.body.code, answer.headers.get('retry-after')]).toEqual([
          503,
          'unavailable',
          '1',
        ])
        const page = await house.alice.page('POST', '/w/northwind/brakes', wish)
        expect([page.status, page.headers.get('retry-after')]).toEqual([503, '1'])
        expect(page.html).toContain('nothing of yours was done')
        expect(told).toEqual([expect.objectContaining({ code }), expect.objectContaining({ code })])
      } finally {
        log.error = error
        await owner.unsafe(`drop function ${schema}.collide() cascade`)
      }
    },
  )

  test('with a form, a text or nothing where JSON is wanted: refused, not guessed', async () => {
    for (const route of withBody().filter(one => !isUpload(one))) {
      const path = fill(route, world)
      for (const body of [new URLSearchParams({ text: 'a' }), 'text', undefined]) {
        const answer = await ask(route.method, path, authorised(), body)
        if (body === undefined && optional.has(called(route))) continue
        expect({
          route: called(route),
          refused: [400, 422].includes(answer.status),
        }).toEqual({
          route: called(route),
          refused: true,
        })
      }
    }
    const upload = await ask('POST', '/api/v1/media', { ...authorised(), ...asJson }, '{"file":"x"}')
    expect(upload.status).toBe(422)
  })
})
