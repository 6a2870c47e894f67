import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Conflict } from '../src/errors.ts'
import { rejection } from '../src/http/form.ts'
import { readArchive } from '../src/lib/archive.ts'
import { exportFolder, removeOldExports } from '../src/tenants/exports.ts'
import { suspendTenant } from '../src/tenants/life.ts'
import { type House, openHouse, type Person } from './cast.ts'
import { testPassword } from './setup.ts'

setDefaultTimeout(60_000)

let house: House
beforeAll(async () => {
  house = await openHouse({ RATE_LIMIT: 'off' })
})
afterAll(() => house.close())

const itself = '/w/northwind/workspace'
const passphrase = 'seven geese over the harbour'
const hour = 3_600_000

/** Waits until no export of the person's workspace is being prepared. */
async function exportsOf(who: Person): Promise<{ id: string; state: string; bytes: number | null }[]> {
  for (;;) {
    const { items } = (await who.api('GET', '/workspace/exports')).body
    if (!items.some(({ state }: { state: string }) => state === 'preparing')) return items
    await Bun.sleep(20)
  }
}

describe('the owner’s page', () => {
  test('is the owner’s: nobody else reads or does anything there, at either door', async () => {
    const forms: Record<string, Record<string, string>> = {
      [`${itself}/address`]: { slug: 'mine' },
      [`${itself}/exports`]: { passphrase, passphraseAgain: passphrase },
      [`${itself}/erasure`]: { confirm: 'northwind' },
      [`${itself}/erasure/removal`]: {},
    }
    for (const who of [house.bob, house.cora, house.ann]) {
      expect((await who.page('GET', itself)).status).toBe(403)
      expect((await who.page('GET', '/w/northwind/settings')).html).not.toContain(itself)
      for (const [path, form] of Object.entries(forms))
        expect([path, (await who.page('POST', path, form)).status]).toEqual([path, 403])
      for (const [method, path, body] of [
        ['POST', '/workspace/address', { slug: 'mine' }],
        ['GET', '/workspace/exports', undefined],
        ['POST', '/workspace/exports', { passphrase }],
        ['POST', '/workspace/erasure', { confirm: 'northwind' }],
        ['DELETE', '/workspace/erasure', undefined],
      ] as const) {
        const { status, body: problem } = await who.api(method, path, body)
        expect([path, status, problem.code]).toEqual([path, 403, 'forbidden'])
      }
    }
    for (const path of [itself, ...Object.keys(forms)]) {
      const met =
        path === itself ? await house.dan.page('GET', path) : await house.dan.page('POST', path, forms[path])
      expect([303, 401]).toContain(met.status)
    }
    expect((await house.alice.page('GET', '/w/northwind/settings')).html).toContain(itself)
    expect((await house.alice.page('GET', itself)).status).toBe(200)
  })

  test('gives it another address and keeps the owner signed in', async () => {
    for (const [slug, words] of [
      ['southpaw', 'is taken'],
      ['Not a slug!', 'letters, digits and hyphens'],
      ['admin', 'not a reserved word'],
    ]) {
      const refused = await house.alice.page('POST', `${itself}/address`, { slug: slug ?? '' })
      expect([slug, refused.status]).toEqual([slug, 422])
      expect(refused.html).toContain(words ?? '')
      expect(refused.html).toContain(`value="${slug}"`)
    }
    const moved = await house.alice.page('POST', `${itself}/address`, { slug: 'roasters' })
    expect([moved.status, moved.location]).toEqual([303, '/w/roasters/workspace'])
    const cookies = moved.headers.getSetCookie().join('\n')
    expect(cookies).toContain(`${await house.alice.cookie()}; Path=/w/roasters;`)
    expect(cookies).toContain('masthead=; Path=/w/northwind;')
    const page = await house.alice.page('GET', moved.location)
    expect(page.html).toContain('Before: northwind')
    const back = await house.alice.api('POST', '/workspace/address', { slug: 'northwind' })
    expect([back.status, back.body]).toEqual([200, { from: 'roasters', to: 'northwind' }])
  })
})

describe('an export', () => {
  test('is prepared behind the page, listed, and fetched by its owners only', async () => {
    const wrong = await house.alice.page('POST', `${itself}/exports`, {
      passphrase,
      passphraseAgain: 'another one here',
    })
    expect([wrong.status, wrong.html.includes('Is not the same as above')]).toEqual([422, true])
    expect(wrong.html).not.toContain(passphrase)
    // Whatever page shows the form again: what it is given holds no passphrase.
    expect(rejection({ passphrase, slug: 'x' }, new Conflict('no'))?.values).toEqual({ slug: 'x' })
    const short = await house.alice.page('POST', `${itself}/exports`, {
      passphrase: 'short',
      passphraseAgain: 'short',
    })
    expect([short.status, short.html.includes('12 characters')]).toEqual([422, true])
    const asked = await house.alice.page('POST', `${itself}/exports`, {
      passphrase,
      passphraseAgain: passphrase,
    })
    expect([asked.status, asked.location]).toEqual([303, `${itself}#export`])
    const [made] = await exportsOf(house.alice)
    expect(made).toMatchObject({ state: 'ready', bytes: expect.any(Number) })
    const file = `${itself}/exports/${made?.id}/file`
    expect((await house.alice.page('GET', itself)).html).toContain(file)

    const cookie = await house.alice.cookie()
    const fetched = await house.app.handle(new Request(`http://localhost${file}`, { headers: { cookie } }))
    expect(fetched.status).toBe(200)
    expect(fetched.headers.get('cache-control')).toBe('no-store')
    expect(fetched.headers.get('content-disposition')).toMatch(
      /^attachment; filename="northwind-\d{4}-\d\d-\d\d\.capsule"$/,
    )
    const names: string[] = []
    for await (const { name, body } of readArchive(passphrase, fetched.body as ReadableStream<Uint8Array>)) {
      names.push(name)
      await body.cancel()
    }
    expect(names[0]).toBe('manifest.json')

    for (const who of [house.bob, house.cora, house.ann]) {
      expect((await who.page('GET', file)).status).toBe(403)
      expect((await who.api('GET', `/workspace/exports/${made?.id}/file`)).status).toBe(403)
    }
    expect((await house.dan.api('GET', `/workspace/exports/${made?.id}/file`)).status).toBe(404)
    expect((await house.dan.api('GET', '/workspace/exports')).body.items).toEqual([])
  })

  test('is asked for once, however often the same wish is sent, and three times a day', async () => {
    // It is being prepared for as long as the disk is slow.
    const { storage } = house.services
    const write = storage.write
    let go = () => {}
    const slow = new Promise<void>(resolve => {
      go = resolve
    })
    storage.write = async (path, body) => {
      await slow
      return write(path, body)
    }
    const key = { 'idempotency-key': 'one-export' }
    const first = await house.alice.api('POST', '/workspace/exports', { passphrase }, key)
    expect([first.status, first.body.state]).toEqual([201, 'preparing'])
    const again = await house.alice.api('POST', '/workspace/exports', { passphrase }, key)
    expect(again.body).toEqual(first.body)
    const other = await house.alice.api('POST', '/workspace/exports', { passphrase })
    expect([other.status, other.body.code]).toEqual([409, 'conflict'])
    storage.write = write
    go()
    expect((await exportsOf(house.alice)).length).toBe(2)
    expect((await house.alice.api('POST', '/workspace/exports', { passphrase })).status).toBe(201)
    await exportsOf(house.alice)
    const fourth = await house.alice.api('POST', '/workspace/exports', { passphrase })
    expect([fourth.status, fourth.body.detail]).toEqual([
      409,
      expect.stringContaining('3 exports of the last day'),
    ])
  })

  test('is over after a day: not listed, not fetched, its file removed', async () => {
    const [made] = await exportsOf(house.alice)
    await house.shiftClock(25 * hour)
    expect((await house.alice.api('GET', '/workspace/exports')).body.items).toEqual([])
    expect((await house.alice.api('GET', `/workspace/exports/${made?.id}/file`)).status).toBe(404)
    await house.shiftClock(0)
    const { storage, config } = house.services
    const file = join(config.dataDir, exportFolder(house.alice.tenant.id), `${made?.id}.capsule`)
    await removeOldExports(storage, new Date(Date.now() + 23 * hour))
    expect(existsSync(file)).toBe(true)
    expect(await removeOldExports(storage, new Date(Date.now() + 25 * hour))).toBe(3)
    expect(existsSync(file)).toBe(false)
  })

  test('that failed says so and leaves no file', async () => {
    const { storage } = house.services
    const write = storage.write
    storage.write = async () => {
      throw new Error('the disk is full')
    }
    await house.dan.api('POST', '/workspace/exports', { passphrase })
    const [failed] = await exportsOf(house.dan)
    storage.write = write
    expect(failed).toMatchObject({ state: 'failed', bytes: null })
    expect((await house.dan.page('GET', '/w/southpaw/workspace')).html).toContain('It did not succeed')
  })
})

describe('the erasure of a workspace', () => {
  test('wants the address typed', async () => {
    for (const confirm of ['', 'Northwind Coffee', 'southpaw']) {
      const refused = await house.alice.page('POST', `${itself}/erasure`, { confirm })
      expect([confirm, refused.status, refused.html.includes('northwind')]).toEqual([confirm, 422, true])
      const problem = await house.alice.api('POST', '/workspace/erasure', { confirm })
      expect([confirm, problem.status, problem.body.code]).toEqual([confirm, 422, 'invalid'])
    }
    expect((await house.alice.api('GET', '/me')).status).toBe(200)
  })

  test('signs everybody out; an owner who signs in can keep it, or take an export along', async () => {
    // The exports of the tests before are yesterday's.
    await house.shiftClock(26 * hour)
    await house.bob.cookie()
    const planned = await house.alice.page('POST', `${itself}/erasure`, { confirm: 'northwind' })
    expect(planned.location).toBe('/sign-in?left=erasure&next=/w/northwind')
    expect((await house.anyone('GET', planned.location)).html).toContain('erased in seven days')
    for (const who of [house.alice, house.bob])
      expect((await who.page('GET', '/w/northwind')).location).toStartWith('/sign-in?next=')
    const api = await house.bob.api('GET', '/me')
    expect([api.status, api.body.code]).toEqual([403, 'suspended'])
    expect(api.body.detail).toMatch(/It is to be erased after \d{4}-\d\d-\d\d \d\d:\d\d UTC/)

    const signIn = (email: string) =>
      house.anyone('POST', '/sign-in', { email, password: testPassword, next: itself })
    const bob = await signIn(house.bob.email)
    expect([bob.status, bob.html.includes('It will be erased after')]).toEqual([403, true])
    expect(bob.html).not.toContain('Keep the workspace')
    const alice = await signIn(house.alice.email)
    expect([alice.status, alice.location]).toEqual([303, itself])
    const cookie = /masthead=[^;]+/.exec(alice.headers.getSetCookie().join('\n'))?.[0] ?? ''
    const page = await house.anyone('GET', '/w/northwind', undefined, { cookie })
    expect([page.status, page.html.includes('Keep the workspace')]).toEqual([403, true])
    expect((await house.anyone('GET', itself, undefined, { cookie })).html).toContain('Keep the workspace')
    const taken = await house.anyone(
      'POST',
      `${itself}/exports`,
      { passphrase, passphraseAgain: passphrase },
      { cookie },
    )
    expect(taken.status).toBe(303)
    await exportsOf(house.alice)

    const kept = await house.anyone('POST', `${itself}/erasure/removal`, {}, { cookie })
    expect([kept.status, kept.location]).toEqual([303, '/w/northwind'])
    expect((await house.anyone('GET', '/w/northwind', undefined, { cookie })).status).toBe(200)
    expect((await house.bob.api('GET', '/me')).status).toBe(200)
    await house.shiftClock(0)
  })

  test('goes through the API too: planned once, taken back, each written down', async () => {
    const planned = await house.alice.api('POST', '/workspace/erasure', { confirm: 'northwind' })
    expect([planned.status, planned.body]).toEqual([201, { eraseAfter: expect.any(String) }])
    const days = (Date.parse(planned.body.eraseAfter) - Date.now()) / 86_400_000
    expect(days).toBeCloseTo(7, 1)
    expect((await house.alice.api('POST', '/workspace/erasure', { confirm: 'northwind' })).body).toEqual(
      planned.body,
    )
    expect((await house.bob.api('DELETE', '/workspace/erasure')).body.code).toBe('suspended')
    expect((await house.alice.api('DELETE', '/workspace/erasure')).body).toEqual({ served: true, late: 0 })
    const nothing = await house.alice.api('DELETE', '/workspace/erasure')
    expect([nothing.status, nothing.body.code]).toEqual([409, 'conflict'])
    const { owner } = house.services.db
    const rows = await owner.unsafe(
      `select type, user_id from ${house.alice.tenant.schema}.events where type like 'workspace.era%' order by id desc limit 3`,
    )
    expect(rows.map(({ type }) => type)).toEqual([
      'workspace.erasure_withdrawn',
      'workspace.erasure_planned',
      'workspace.erasure_planned',
    ])
    expect(rows.every(row => row.user_id === house.alice.id)).toBe(true)
  })

  test('of a workspace that the operator has suspended does not bring it back when it is taken back', async () => {
    await suspendTenant(house.services.db, house.alice.tenant.id, 'The bill is open')
    await house.alice.api('POST', '/workspace/erasure', { confirm: 'northwind' })
    expect((await house.alice.api('DELETE', '/workspace/erasure')).body).toEqual({ served: false, late: 0 })
    const still = await house.alice.api('GET', '/me')
    expect([still.body.code, still.body.detail]).toEqual([
      'suspended',
      expect.stringContaining('The bill is open'),
    ])
  })
})

test('the API tells its routes about the workspace', async () => {
  const { paths } = (await house.dan.api('GET', '/openapi.json')).body
  for (const path of [
    '/workspace/address',
    '/workspace/exports',
    '/workspace/exports/{id}/file',
    '/workspace/erasure',
  ])
    expect(Object.keys(paths)).toContain(path)
})
