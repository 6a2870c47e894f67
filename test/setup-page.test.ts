import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { deleteTenantSchema } from '../src/db/tenants.ts'
import { suggestSlug } from '../src/lib/slug.ts'
import { type House, openHouse } from './cast.ts'

let house: House
beforeEach(async () => {
  house = await openHouse({ TRUST_PROXY: '1' })
})
afterEach(async () => {
  const { owner } = house.services.db
  const cast = [house.alice.tenant.id, house.dan.tenant.id]
  for (const { id } of await owner`select id from public.tenants`)
    if (!cast.includes(id)) await deleteTenantSchema(owner, id)
  await house.close()
})

const form = {
  code: '12345678',
  name: 'Café Nørd',
  slug: '',
  country: 'DE',
  zone: 'Europe/Berlin',
  ownerName: 'Ines',
  email: 'ines@cafe.example',
  password: 'a quiet desk by the window',
}
const send = (fields: Record<string, string> = {}, address = '10.0.0.1') =>
  house.anyone('POST', '/setup', { ...form, ...fields }, { 'x-forwarded-for': address })
/** A fresh instance: nobody is there yet. The cast's roles are the whole test server's, so only its rows go. */
async function empty(): Promise<void> {
  await house.services.db.owner`delete from public.tenants`
}

describe('the set-up page', () => {
  test('founds the first workspace, signs its owner in, and closes for good', async () => {
    await empty()
    expect((await house.anyone('GET', '/')).location).toBe('/setup')
    expect((await house.anyone('GET', '/sign-in')).location).toBe('/setup')
    const page = await house.anyone('GET', '/setup?code=12345678')
    expect(page.html).toContain('value="12345678"')
    const made = await send()
    expect([made.status, made.location]).toEqual([303, '/w/cafe-nord'])
    const cookie =
      made.headers
        .getSetCookie()
        .find(one => one.startsWith('masthead='))
        ?.split(';')[0] ?? ''
    const people = await house.anyone('GET', '/w/cafe-nord/people', undefined, { cookie })
    expect(people.html).toContain('ines@cafe.example')
    expect(people.html).toContain('owner')
    expect((await house.anyone('GET', '/setup')).status).toBe(404)
    expect((await send({ slug: 'another' })).status).toBe(404)
    expect((await house.anyone('GET', '/')).location).toBe('/sign-in')
  })

  test('is closed where a workspace exists, whatever the code', async () => {
    expect((await house.anyone('GET', '/setup')).status).toBe(404)
    expect((await send()).status).toBe(404)
    expect((await send({ code: 'a guess', email: 'nobody' })).status).toBe(404)
  })

  test('refuses a wrong code in words, keeps what was typed, and counts the tries', async () => {
    await empty()
    const wrong = await send({ code: '00000000' })
    expect(wrong.status).toBe(422)
    expect(wrong.html).toContain('it changes with every start')
    expect(wrong.html).toContain('value="Café Nørd"')
    expect(wrong.html).not.toContain(form.password)
    for (let time = 0; time < 4; time++) await send({ code: '00000000' })
    expect((await send()).status).toBe(429)
    // Another address may still try: a stranger cannot lock the owner out by five tries.
    expect((await send({}, '10.0.0.2')).status).toBe(303)
  })

  test('thirty tries from anywhere, then nobody', async () => {
    await empty()
    for (let n = 0; n < 30; n++) await send({ code: '1' }, `10.0.1.${n}`)
    expect((await send({}, '10.0.2.1')).status).toBe(429)
  })

  test('names what is wrong with a field', async () => {
    await empty()
    const cases: [Record<string, string>, string][] = [
      [{ zone: 'Europe/Atlantis' }, 'is not a time zone'],
      [{ country: 'ZZ' }, 'must be a code such as DE or US'],
      [{ password: 'short' }, 'must have at least 12 characters'],
      [{ email: 'nobody' }, 'must be a mail address'],
      [{ slug: 'Not a slug!' }, 'use 1 to 40 letters'],
      [{ slug: 'admin' }, 'not a reserved word'],
      [{ name: '☕', slug: '' }, 'use 1 to 40'],
    ]
    for (const [n, [fields, words]] of cases.entries()) {
      const { status, html } = await send(fields, `10.0.3.${n}`)
      expect([words, status]).toEqual([words, 422])
      expect(html).toContain(words)
    }
    const [left] = await house.services.db.sql`select count(*)::int as n from public.tenants`
    expect(left?.n).toBe(0)
  })

  test('two founders at once: one workspace', async () => {
    await empty()
    const both = await Promise.all([send({ slug: 'one' }), send({ slug: 'two' }, '10.0.0.2')])
    expect(both.map(({ status }) => status).sort()).toEqual([303, 404])
    const [left] = await house.services.db.sql`select count(*)::int as n from public.tenants`
    expect(left?.n).toBe(1)
  })

  test('suggests an address from the name', () => {
    expect(suggestSlug('Northwind Coffee & Co.')).toBe('northwind-coffee-co')
    expect(suggestSlug('Straße 7')).toBe('strasse-7')
    expect(suggestSlug('Ａｎａïs')).toBe('anais')
    expect(suggestSlug('коля')).toBe('')
    expect(suggestSlug(`${'x'.repeat(39)} y`)).toBe('x'.repeat(39))
  })
})
