import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { type ApiAnswer, type House, openHouse } from './cast.ts'
import { testPassword } from './setup.ts'
import { bodyFor, fill, type Route, routesOf } from './walk.ts'
import { buildWorld, newPicture, type World } from './world.ts'

setDefaultTimeout(120_000)

let house: House
let world: World
let routes: Route[]
beforeAll(async () => {
  house = await openHouse({ N8N_URL: 'http://127.0.0.1:9', COMFYUI_URL: 'http://127.0.0.1:9' })
  world = await buildWorld(house, house.alice, 'limits')
  routes = routesOf(house.app)
})
afterAll(() => house.close())

const rows = async (table: string): Promise<number> =>
  (await house.services.db.owner.unsafe(`select 1 from ${house.alice.tenant.schema}.${table}`)).length

/** Writes that make one thing each, and the table it is in. */
const making: [string, string][] = [
  ['POST /content', 'content'],
  ['POST /content/:id/comments', 'comments'],
  ['POST /content/:id/copies', 'content'],
  ['POST /content/:id/publish-jobs', 'publish_jobs'],
  ['PATCH /content/:id', 'content_versions'],
  ['POST /media', 'media'],
  ['POST /accounts', 'social_accounts'],
  ['POST /api-keys', 'api_keys'],
  ['POST /invitations', 'invitations'],
  ['POST /workflows', 'workflows'],
  ['POST /workflows/:id/runs', 'workflow_runs'],
]

async function prepare(name: string): Promise<{ method: string; path: string; body: unknown }> {
  const route = routes.find(({ method, path }) => `${method} ${path}` === name.replace(' ', ' /api/v1'))
  if (!route) throw new Error(`There is no ${name}`)
  const body = await bodyFor(route, world)
  return { method: route.method, path: fill(route, world).replace('/api/v1', ''), body }
}
let keys = 0
const newKey = () => ({ 'idempotency-key': `key ${++keys}`.replace(' ', '-') })

describe('the Idempotency-Key', () => {
  test.each(making)('%s: the same request twice is done once, and answered alike', async (name, table) => {
    const { method, path, body } = await prepare(name)
    const key = newKey()
    const before = await rows(table)
    const first = await house.alice.api(method, path, body, key)
    expect(first.status).toBeLessThan(300)
    expect(await rows(table)).toBe(before + 1)
    const second = await house.alice.api(method, path, body, key)
    expect({ status: second.status, body: known(second) }).toEqual({
      status: first.status,
      body: known(first),
    })
    expect(await rows(table)).toBe(before + 1)
  })

  test.each(making.filter(([name]) => !name.endsWith('copies') && name !== 'POST /media'))(
    '%s: another body under the same key is refused',
    async (name, table) => {
      const { method, path, body } = await prepare(name)
      const key = newKey()
      const other = changed(body as Record<string, unknown>)
      expect((await house.alice.api(method, path, other, key)).status).toBeLessThan(300)
      const before = await rows(table)
      const reused = await house.alice.api(method, path, changed(other), key)
      expect({ status: reused.status, code: reused.body.code }).toEqual({
        status: 422,
        code: 'idempotency_key_reused',
      })
      expect(await rows(table)).toBe(before)
    },
  )

  test.each(['POST /content', 'POST /content/:id/comments', 'POST /api-keys', 'POST /media'])(
    '%s: six at once are one, the others wait or get the same answer',
    async name => {
      const table = making.find(([one]) => one === name)?.[1] ?? ''
      const { method, path, body } = await prepare(name)
      const key = newKey()
      const before = await rows(table)
      const copies = await Promise.all(
        Array.from({ length: 6 }, () => house.alice.api(method, path, body, key)),
      )
      expect(await rows(table)).toBe(before + 1)
      const done = copies.filter(({ status }) => status === 201)
      expect(done.length).toBeGreaterThan(0)
      expect(new Set(done.map(answer => answer.body.id)).size).toBe(1)
      for (const { status } of copies) expect([201, 409]).toContain(status)
    },
  )

  test('belongs to one person and one address', async () => {
    const key = newKey()
    const made = await Promise.all([
      house.alice.api('POST', '/content', { text: 'one key' }, key),
      house.bob.api('POST', '/content', { text: 'one key' }, key),
      house.dan.api('POST', '/content', { text: 'one key' }, key),
      house.alice.api('POST', `/content/${world.content}/comments`, { text: 'one key' }, key),
    ])
    expect(made.map(({ status }) => status)).toEqual([201, 201, 201, 201])
    expect(new Set(made.map(({ body }) => body.id)).size).toBe(4)
  })

  test('of a request that was refused is free again', async () => {
    const key = newKey()
    const refused = await house.alice.api('POST', '/content', { media: [world.user] }, key)
    expect(refused.status).toBeGreaterThanOrEqual(400)
    expect((await house.alice.api('POST', '/content', { text: 'mended' }, key)).status).toBe(201)
  })

  test('holds for a day', async () => {
    const key = newKey()
    const first = await house.alice.api('POST', '/content', { text: 'a day' }, key)
    try {
      await house.shiftClock(23 * 3_600_000)
      expect((await house.alice.api('POST', '/content', { text: 'a day' }, key)).body.id).toBe(first.body.id)
      await house.shiftClock(25 * 3_600_000)
      expect((await house.alice.api('POST', '/content', { text: 'a day' }, key)).body.id).not.toBe(
        first.body.id,
      )
    } finally {
      await house.shiftClock(0)
    }
  })

  test('that cannot be one is refused', async () => {
    for (const key of ['', ' ', 'x'.repeat(201), 'a b']) {
      const answer = await house.alice.api('POST', '/content', { text: 'x' }, { 'idempotency-key': key })
      expect({ key, status: answer.status }).toEqual({ key, status: 422 })
    }
  })

  test('keeps no secret in the clear', async () => {
    const made = await house.alice.api('POST', '/api-keys', { name: 'kept' }, newKey())
    const flow = await house.alice.api('POST', '/workflows', { name: 'kept', path: 'x' }, newKey())
    const { schema } = house.alice.tenant
    const kept = await house.services.db.owner.unsafe(
      `select t::text as row from ${schema}.idempotency_keys t`,
    )
    const text = kept.map(({ row }) => row as string).join('\n')
    for (const secret of [made.body.key, flow.body.secret]) {
      expect(secret.length).toBeGreaterThan(20)
      expect(text).not.toContain(secret)
    }
  })
})

/** What a repeated answer must have in common with the first; a webhook's secret is shown once. */
const known = ({ body }: ApiAnswer): unknown => body

/** The same request with another word in it. */
function changed(body: Record<string, unknown>): Record<string, unknown> {
  const word = `other ${++keys}`
  if ('accounts' in body) return { ...body, at: new Date(Date.now() + (9 + keys) * 86_400_000).toISOString() }
  if ('email' in body) return { ...body, email: `other-${keys}@example.com` }
  if ('input' in body) return { input: { word } }
  if ('settings' in body) return { ...body, settings: { delayMs: keys } }
  return { ...body, ['text' in body ? 'text' : 'name']: word }
}

describe('limits', () => {
  test('600 requests in a minute and a key, then 429 with the seconds to wait; others go on', async () => {
    const answers: number[] = []
    for (let batch = 0; batch < 31; batch++)
      answers.push(
        ...(await Promise.all(Array.from({ length: 20 }, () => house.cora.api('GET', '/me')))).map(
          ({ status }) => status,
        ),
      )
    expect(answers.filter(status => status === 200)).toHaveLength(600)
    expect(answers.slice(-10)).toEqual(Array(10).fill(429))
    const told = await house.cora.api('POST', '/content', { text: 'x' })
    expect({ status: told.status, code: told.body.code }).toEqual({ status: 429, code: 'too_many' })
    expect(told.headers.get('content-type')).toBe('application/problem+json')
    expect(Number(told.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(Number(told.headers.get('retry-after'))).toBeLessThanOrEqual(60)
    expect((await house.ann.api('GET', '/me')).status).toBe(200)
  })

  test('five sign-ins in a quarter of an hour, over both doors, then 429', async () => {
    const { email, tenant } = house.bob
    const attempt = (password: string) =>
      house.alice.api('POST', '/sessions', { workspace: tenant.slug, email, password }, { authorization: '' })
    for (let n = 0; n < 5; n++) expect((await attempt('not the password')).status).toBe(401)
    const told = await attempt(testPassword)
    expect({ status: told.status, code: told.body.code }).toEqual({ status: 429, code: 'too_many' })
    expect(Number(told.headers.get('retry-after'))).toBeGreaterThan(0)
    const page = await house.anyone('POST', '/sign-in', { email, password: testPassword })
    expect(page.status).toBe(429)
  })

  test('a picture of more than 20 MiB is refused as too large', async () => {
    const data = new FormData()
    data.append('file', new File([new Uint8Array(22 * 1024 * 1024)], 'large.png'))
    const answer = await house.alice.api('POST', '/media', data)
    expect({ status: answer.status, code: answer.body.code }).toEqual({ status: 413, code: 'too_large' })
    const small = new FormData()
    small.append('file', await newPicture())
    expect((await house.alice.api('POST', '/media', small)).status).toBe(201)
  })
})
