import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { findLink, useLink } from '../src/auth/links.ts'
import { makeReset } from '../src/auth/passwords.ts'
import type { Role } from '../src/permissions.ts'
import { type House, openHouse, type Person } from './cast.ts'
import { testPassword } from './setup.ts'

let house: House
beforeAll(async () => {
  house = await openHouse({ RATE_LIMIT: 'off' })
})
afterAll(() => house.close())

const path = (link: string) => new URL(link).pathname
const pathIn = (html: string) => path(/value="(http[^"]*\/join\/[^"]*)"/.exec(html)?.[1] ?? 'http://none/')
const signIn = (email: string, password: string) => house.anyone('POST', '/sign-in', { email, password })
let guests = 0
/** Invites a new address and returns the path of the link. */
async function invited(role = 'author', by: Person = house.alice) {
  const email = `guest${guests++}@northwind.example`
  const { status, body } = await by.api('POST', '/invitations', { email, role })
  expect(status).toBe(201)
  return { email, id: body.id as string, link: path(body.link) }
}
const joining = { name: 'Gustav', password: 'four plain words do' }

describe('people', () => {
  test('a key acts as its maker, in the maker’s workspace', async () => {
    const { status, body } = await house.bob.api('GET', '/me')
    expect(status).toBe(200)
    expect(body.user).toMatchObject({ name: 'Bob', role: 'editor' })
    expect(body.tenant.slug).toBe('northwind')
  })

  test('a workspace keeps at least one owner', async () => {
    expect((await house.alice.api('DELETE', `/users/${house.alice.id}`)).status).toBe(409)
    expect((await house.alice.api('PATCH', `/users/${house.alice.id}`, { role: 'editor' })).status).toBe(409)
    const page = await house.alice.page('POST', `/w/northwind/people/${house.alice.id}/removal`, {})
    expect(page.status).toBe(303)
    expect(decodeURIComponent(page.headers.get('set-cookie') ?? '')).toContain('needs at least one owner')
  })

  test('another workspace’s person, key, invitation and session are not there', async () => {
    const { dan, alice, bob } = house
    expect((await dan.api('GET', `/users/${alice.id}`)).status).toBe(404)
    expect((await dan.api('PATCH', `/users/${bob.id}`, { role: 'admin' })).status).toBe(404)
    expect((await dan.api('DELETE', `/users/${bob.id}`)).status).toBe(404)
    const { id } = await invited()
    expect((await dan.api('DELETE', `/invitations/${id}`)).status).toBe(404)
    expect((await dan.page('POST', `/w/southpaw/people/invitations/${id}/removal`, {})).status).toBe(404)
    const key = (await alice.api('POST', '/api-keys', { name: 'mine' })).body.id
    expect((await dan.api('DELETE', `/api-keys/${key}`)).status).toBe(404)
    expect((await dan.page('POST', `/w/southpaw/settings/keys/${key}/removal`, {})).status).toBe(404)
    for (const id of ['x', "' or 1=1", '0'.repeat(36)])
      expect((await dan.api('GET', `/users/${encodeURIComponent(id)}`)).status).toBe(404)
  })

  test('a list goes on where its cursor says, and a foreign cursor is refused in words', async () => {
    const { body } = await house.alice.api('GET', '/users?limit=2')
    expect(body.items.map((user: { name: string }) => user.name)).toEqual(['Alice', 'Bob'])
    const more = await house.alice.api('GET', `/users?limit=2&cursor=${body.next}`)
    expect(more.body.items[0].name).toBe('Cora')
    expect((await house.alice.api('GET', '/users?cursor=abc')).body.code).toBe('bad_cursor')
    expect((await house.alice.api('GET', '/users?limit=0')).status).toBe(422)
  })

  test('the page lists everybody, and its form changes a role', async () => {
    const { html } = await house.ann.page('GET', '/w/northwind/people')
    expect(html).toContain('cora@northwind.example')
    expect(html).not.toContain('/removal')
    const { email, link } = await invited('reviewer')
    await house.anyone('POST', link, joining)
    const { items } = (await house.alice.api('GET', '/users?limit=100')).body
    const { id } = items.find((user: { email: string }) => user.email === email)
    const changed = await house.alice.page('POST', `/w/northwind/people/${id}/role`, { role: 'editor' })
    expect(changed.location).toBe('/w/northwind/people')
    expect((await house.alice.api('GET', `/users/${id}`)).body.role).toBe('editor')
    await house.alice.page('POST', `/w/northwind/people/${id}/role`, { role: 'emperor' })
    expect((await house.alice.api('GET', `/users/${id}`)).body.role).toBe('editor')
  })

  test('whoever is removed is out at once: sessions, keys, sign-in and reset links', async () => {
    const { email, link } = await invited('editor')
    const joined = await house.anyone('POST', link, joining)
    const cookie =
      joined.headers
        .getSetCookie()
        .find(one => one.startsWith('masthead='))
        ?.split(';')[0] ?? ''
    const see = () => house.anyone('GET', '/w/northwind/settings', undefined, { cookie })
    expect((await see()).status).toBe(200)
    const made = await house.anyone('POST', '/w/northwind/settings/keys', { name: 'n8n' }, { cookie })
    const key = /mh_[0-9a-zA-Z_-]+/.exec(made.html)?.[0] ?? ''
    const withKey = () => house.bob.api('GET', '/me', undefined, { authorization: `Bearer ${key}` })
    expect((await withKey()).body.user.email).toBe(email)
    const reset = await house.services.db.within(
      { tenantId: house.alice.tenant.id, userId: null, role: 'system' },
      scope => makeReset(scope, email),
    )
    const { id } = (await withKey()).body.user
    expect((await house.alice.api('DELETE', `/users/${id}`)).status).toBe(204)
    expect((await see()).status).toBe(303)
    expect((await withKey()).status).toBe(401)
    expect((await signIn(email, joining.password)).status).toBe(401)
    expect((await house.anyone('GET', `/reset/${house.alice.tenant.id}/${reset.token}`)).status).toBe(404)
    const { db } = house.services
    const [entry] = await db.owner`
      select count(*)::int as n from public.sign_in_directory where address_hash = ${db.hashAddress(email)}`
    expect(entry?.n).toBe(0)
    // The address is free again.
    expect((await house.alice.api('POST', '/invitations', { email, role: 'author' })).status).toBe(201)
  })
})

describe('who may what, through both doors', () => {
  const managing: Role[] = ['owner', 'admin']
  const keyed: Role[] = ['owner', 'admin', 'editor']
  const all: Role[] = ['owner', 'admin', 'editor', 'author', 'reviewer']
  const nobody = '00000000-0000-7000-8000-000000000000'
  const people = {} as Record<Role, Person>
  beforeAll(async () => {
    Object.assign(people, { owner: house.alice, editor: house.bob, author: house.ann, reviewer: house.cora })
    // An admin of our own: Bob's twin.
    const { link } = await invited('admin')
    const joined = await house.anyone('POST', link, { ...joining, name: 'Ada' })
    const cookie =
      joined.headers
        .getSetCookie()
        .find(one => one.startsWith('masthead='))
        ?.split(';')[0] ?? ''
    const made = await house.anyone('POST', '/w/northwind/settings/keys', { name: 'x' }, { cookie })
    const key = /mh_[0-9a-zA-Z_-]+/.exec(made.html)?.[0] ?? ''
    people.admin = {
      ...house.bob,
      role: 'admin',
      api: (method, at, body) => house.bob.api(method, at, body, { authorization: `Bearer ${key}` }),
      page: (method, at, form) => house.anyone(method, at, form, { cookie }),
    }
  })

  type Fields = Record<string, string>
  /** A move at both doors, with ids that do not exist where one is needed: 404 then means "may, but there is none". */
  const moves: [string, Role[], [string, string, unknown?] | null, [string, string, Fields?] | null][] = [
    ['see people', all, ['GET', '/users'], ['GET', '/people']],
    ['see the workspace', all, ['GET', '/workspace'], ['GET', '/settings']],
    ['see invitations', managing, ['GET', '/invitations'], null],
    [
      'invite',
      managing,
      ['POST', '/invitations', { email: 'm@x.example', role: 'author' }],
      ['POST', '/people/invitations', { email: 'm@x.example', role: 'author' }],
    ],
    [
      'take an invitation back',
      managing,
      ['DELETE', `/invitations/${nobody}`],
      ['POST', `/people/invitations/${nobody}/removal`, {}],
    ],
    [
      'change a role',
      managing,
      ['PATCH', `/users/${nobody}`, { role: 'author' }],
      ['POST', `/people/${nobody}/role`, { role: 'author' }],
    ],
    ['remove somebody', managing, ['DELETE', `/users/${nobody}`], ['POST', `/people/${nobody}/removal`, {}]],
    [
      'change the workspace',
      managing,
      ['PATCH', '/workspace', { name: 'Northwind Coffee' }],
      ['POST', '/settings/workspace', { name: 'Northwind Coffee', zone: 'Europe/Berlin', country: 'DE' }],
    ],
    ['see keys', keyed, ['GET', '/api-keys'], null],
    ['make a key', keyed, ['POST', '/api-keys', { name: 'k' }], ['POST', '/settings/keys', { name: 'k' }]],
    [
      'revoke a key',
      keyed,
      ['DELETE', `/api-keys/${nobody}`],
      ['POST', `/settings/keys/${nobody}/removal`, {}],
    ],
    ['end one’s own session', all, null, ['POST', `/settings/sessions/${nobody}/removal`, {}]],
  ]
  for (const [name, allowed, api, page] of moves)
    test(name, async () => {
      for (const role of all) {
        const may = allowed.includes(role)
        if (api) {
          const { status, body } = await people[role].api(...api)
          expect([role, 'api', status === 403]).toEqual([role, 'api', !may])
          expect([200, 201, 204, 403, 404]).toContain(status)
          if (!may) expect(body.detail).toContain(`Your role (${role}) may not`)
        }
        if (page) {
          const [method, at, form] = page
          const { status } = await people[role].page(method, `/w/northwind${at}`, form)
          expect([role, 'page', status === 403]).toEqual([role, 'page', !may])
          expect([200, 303, 403, 404]).toContain(status)
        }
      }
    })

  test('only owners make, change or remove owners, and nobody is invited as one', async () => {
    const { admin } = people
    expect((await admin.api('PATCH', `/users/${house.alice.id}`, { role: 'author' })).status).toBe(403)
    expect((await admin.api('PATCH', `/users/${house.bob.id}`, { role: 'owner' })).status).toBe(403)
    expect((await admin.api('DELETE', `/users/${house.alice.id}`)).status).toBe(403)
    const asOwner = { email: 'boss@x.example', role: 'owner' }
    expect((await house.alice.api('POST', '/invitations', asOwner)).status).toBe(422)
    expect((await house.alice.page('POST', '/w/northwind/people/invitations', asOwner)).status).toBe(422)
  })

  test('an editor sees and revokes only own keys', async () => {
    const key = (await house.alice.api('POST', '/api-keys', { name: 'hers' })).body.id
    const { items } = (await house.bob.api('GET', '/api-keys')).body
    expect(items.every((one: { userId: string }) => one.userId === house.bob.id)).toBe(true)
    expect((await house.bob.api('DELETE', `/api-keys/${key}`)).status).toBe(404)
    expect((await house.alice.api('DELETE', `/api-keys/${key}`)).status).toBe(204)
  })
})

describe('invitations', () => {
  test('the link leads in, once', async () => {
    const answer = await house.alice.page('POST', '/w/northwind/people/invitations', {
      email: 'nora@northwind.example',
      role: 'editor',
    })
    const link = pathIn(answer.html)
    expect(link).toStartWith(`/join/${house.alice.tenant.id}/`)
    const shown = await house.anyone('GET', link)
    expect(shown.html).toContain('Join Northwind Coffee')
    expect(shown.html).toContain('nora@northwind.example')
    const weak = await house.anyone('POST', link, { name: 'Nora', password: 'short' })
    expect(weak.status).toBe(422)
    expect(weak.html).toContain('value="Nora"')
    const joined = await house.anyone('POST', link, { name: 'Nora', password: joining.password })
    expect(joined.location).toBe('/w/northwind')
    expect((await signIn('nora@northwind.example', joining.password)).location).toBe('/w/northwind')
    const again = await house.anyone('POST', link, joining)
    expect([again.status, again.html.includes('This invitation was used')]).toEqual([410, true])
    expect((await house.anyone('GET', link)).status).toBe(410)
  })

  test('of two who take it up at once, one gets in', async () => {
    const { link, email } = await invited()
    const both = await Promise.all([house.anyone('POST', link, joining), house.anyone('POST', link, joining)])
    expect(both.map(({ status }) => status).sort()).toEqual([303, 410])
    const { items } = (await house.alice.api('GET', '/users?limit=100')).body
    expect(items.filter((user: { email: string }) => user.email === email)).toHaveLength(1)
  })

  test('a link that is being used up elsewhere is used up, and has one purpose', async () => {
    const { id, link } = await invited()
    const actor = { tenantId: house.alice.tenant.id, userId: null, role: 'system' } as const
    const { within } = house.services.db
    const token = link.split('/').at(-1) ?? ''
    expect(await within(actor, scope => findLink(scope, 'reset', token))).toEqual({ state: 'unknown' })
    // The second waits for the first one's row, or comes after it: either way it gets nothing.
    let second: Promise<boolean> | undefined
    const first = await within(actor, async scope => {
      const used = await useLink(scope, id)
      second = within(actor, other => useLink(other, id))
      return used
    })
    expect([first, await second]).toEqual([true, false])
  })

  test('it ends after seven days, when it is taken back, and when it is replaced', async () => {
    const old = await invited()
    try {
      await house.shiftClock(7 * 24 * 3600 * 1000 - 60_000)
      expect((await house.anyone('GET', old.link)).status).toBe(200)
      await house.shiftClock(7 * 24 * 3600 * 1000 + 60_000)
      const late = await house.anyone('POST', old.link, joining)
      expect([late.status, late.html.includes('has expired')]).toEqual([410, true])
    } finally {
      await house.shiftClock(0)
    }
    const revoked = await invited()
    expect((await house.alice.api('DELETE', `/invitations/${revoked.id}`)).status).toBe(204)
    const gone = await house.anyone('POST', revoked.link, joining)
    expect([gone.status, gone.html.includes('taken back')]).toEqual([404, true])
    const first = await invited()
    await house.alice.api('POST', '/invitations', { email: first.email.toUpperCase(), role: 'reviewer' })
    expect((await house.anyone('POST', first.link, joining)).status).toBe(404)
  })

  test('a link is good in its own workspace only, and a wrong one says so', async () => {
    const { link } = await invited()
    const token = link.split('/').at(-1)
    for (const at of [
      `/join/${house.dan.tenant.id}/${token}`,
      `/join/${house.alice.tenant.id}/nonsense`,
      `/join/00000000-0000-7000-8000-000000000000/${token}`,
      `/join/not-an-id/${token}`,
      link.replace('/join/', '/reset/'),
    ]) {
      const { status, html } = await house.anyone('GET', at)
      expect([at, status, html.includes('does not work')]).toEqual([at, 404, true])
      expect((await house.anyone('POST', at, joining)).status).toBe(404)
    }
  })

  test('the list shows no link, and an address with a login is not invited', async () => {
    const { id } = await invited()
    const { items } = (await house.alice.api('GET', '/invitations')).body
    const one = items.find((each: { id: string }) => each.id === id)
    expect(one).toMatchObject({ role: 'author', state: 'open', invitedBy: 'Alice' })
    expect(JSON.stringify(items)).not.toContain('/join/')
    const taken = await house.alice.api('POST', '/invitations', {
      email: 'BOB@northwind.example',
      role: 'author',
    })
    expect(taken.status).toBe(409)
  })

  test('the database keeps the hash of a link only', async () => {
    const { link } = await invited()
    const token = link.split('/').at(-1) ?? ''
    const rows = await house.services.db.owner.unsafe(
      `select count(*)::int as n from ${house.alice.tenant.schema}.invitations i where i::text like '%${token}%'`,
    )
    expect(rows[0]?.n).toBe(0)
  })
})

describe('a reset link', () => {
  const reset = async (person: Person) => {
    const { token } = await house.services.db.within(
      { tenantId: person.tenant.id, userId: null, role: 'system' },
      scope => makeReset(scope, person.email),
    )
    return `/reset/${person.tenant.id}/${token}`
  }

  test('sets a new password, once, and ends every session', async () => {
    const { ann } = house
    const link = await reset(ann)
    expect((await ann.page('GET', '/w/northwind/people')).status).toBe(200)
    expect((await house.anyone('GET', link)).html).toContain(ann.email)
    expect((await house.anyone('POST', link, { password: 'short' })).status).toBe(422)
    const done = await house.anyone('POST', link, { password: 'a new chair at the desk' })
    expect(done.location).toBe('/w/northwind')
    expect((await ann.page('GET', '/w/northwind/people')).status).toBe(303)
    expect((await signIn(ann.email, testPassword)).status).toBe(401)
    expect((await signIn(ann.email, 'a new chair at the desk')).status).toBe(303)
    const again = await house.anyone('POST', link, { password: 'another one altogether' })
    expect([again.status, again.html.includes('was used')]).toEqual([410, true])
  })

  test('ends after an hour, and when a newer one is made', async () => {
    const link = await reset(house.bob)
    try {
      await house.shiftClock(3_660_000)
      const late = await house.anyone('POST', link, { password: 'a new chair at the desk' })
      expect([late.status, late.html.includes('has expired')]).toEqual([410, true])
    } finally {
      await house.shiftClock(0)
    }
    const former = await reset(house.bob)
    await reset(house.bob)
    expect((await house.anyone('GET', former)).status).toBe(404)
  })

  test('is the operator’s to make, not an owner’s', async () => {
    const actor = { tenantId: house.alice.tenant.id, userId: house.alice.id, role: 'owner' } as const
    const made = house.services.db.within(actor, scope => makeReset(scope, house.bob.email))
    expect(made).rejects.toThrow('Only the operator')
  })
})

describe('settings', () => {
  test('the workspace is changed by its form, and a wrong field comes back as it was typed', async () => {
    const send = (fields: Record<string, string>) =>
      house.alice.page('POST', '/w/northwind/settings/workspace', {
        name: 'Northwind',
        zone: 'Europe/Paris',
        country: '',
        ...fields,
      })
    expect((await send({ approvalRequired: 'on' })).location).toBe('/w/northwind/settings')
    expect((await house.alice.api('GET', '/workspace')).body).toMatchObject({
      name: 'Northwind',
      zone: 'Europe/Paris',
      country: null,
      approvalRequired: true,
    })
    const wrong = await send({ name: '', zone: 'Europe/Atlantis' })
    expect(wrong.status).toBe(422)
    expect(wrong.html).toContain('Name must not be empty.')
    await send({ name: 'Northwind Coffee', zone: 'Europe/Berlin', country: 'DE' })
    expect((await house.alice.api('GET', '/workspace')).body.approvalRequired).toBe(false)
    expect((await house.alice.api('PATCH', '/workspace', { country: 'de' })).body.country).toBe('DE')
    expect((await house.alice.api('PATCH', '/workspace', { country: 'QQ' })).status).toBe(422)
    expect((await house.alice.api('PATCH', '/workspace', { slug: 'x' })).body.errors[0].path).toBe('slug')
  })

  test('a key’s secret is shown once, and ends with the key', async () => {
    const made = await house.bob.page('POST', '/w/northwind/settings/keys', { name: '<b>n8n' })
    const key = /mh_[0-9a-zA-Z_-]+/.exec(made.html)?.[0] ?? ''
    expect(made.html).toContain('&lt;b&gt;n8n')
    const page = await house.bob.page('GET', '/w/northwind/settings')
    expect(page.html).not.toContain(key)
    const use = () => house.bob.api('GET', '/me', undefined, { authorization: `Bearer ${key}` })
    expect((await use()).status).toBe(200)
    const { items } = (await house.bob.api('GET', '/api-keys')).body
    const { id } = items.find((one: { hint: string }) => key.endsWith(one.hint))
    expect((await house.bob.page('POST', `/w/northwind/settings/keys/${id}/removal`, {})).status).toBe(303)
    expect((await use()).status).toBe(401)
  })

  test('one’s own sessions can be ended, another’s not', async () => {
    const { html } = await house.bob.page('GET', '/w/northwind/settings')
    expect(html).toContain('this one')
    const rows = await house.services.db.owner.unsafe(
      `select id from ${house.alice.tenant.schema}.sessions where user_id = '${house.bob.id}'`,
    )
    const foreign = `/w/northwind/settings/sessions/${rows[0]?.id}/removal`
    expect((await house.alice.page('POST', foreign, {})).status).toBe(404)
    const other = await signIn(house.bob.email, testPassword)
    const cookie =
      other.headers
        .getSetCookie()
        .find(one => one.startsWith('masthead='))
        ?.split(';')[0] ?? ''
    expect((await house.bob.page('POST', '/w/northwind/settings/sessions/removal', {})).status).toBe(303)
    expect((await house.anyone('GET', '/w/northwind/people', undefined, { cookie })).status).toBe(303)
    expect((await house.bob.page('GET', '/w/northwind/people')).status).toBe(200)
  })
})
