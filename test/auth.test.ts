import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createHmac } from 'node:crypto'
import { openChoice } from '../src/auth/choice.ts'
import { hashPassword } from '../src/auth/password.ts'
import { startSession } from '../src/auth/session.ts'
import { derivePassword } from '../src/lib/seal.ts'
import { addUser } from '../src/team/users.ts'
import { type House, openHouse, type PageAnswer, type Person } from './cast.ts'
import { testPassword, testSecret } from './setup.ts'

let house: House
beforeAll(async () => {
  house = await openHouse({ RATE_LIMIT: 'off' })
})
afterAll(() => house.close())

const cookies = (answer: PageAnswer) => answer.headers.getSetCookie()
/** The cookie header a browser would send on to the workspace. */
const session = (answer: PageAnswer) =>
  cookies(answer)
    .find(cookie => /^(__Secure-)?masthead=/.test(cookie))
    ?.split(';')[0] ?? ''
const hidden = (html: string, name: string) =>
  new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? ''
const signIn = (on: House, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  on.anyone('POST', '/sign-in', { password: testPassword, ...fields }, headers)

describe('signing in', () => {
  test('leads to the workspace, with a cookie of its path only', async () => {
    const answer = await signIn(house, { email: house.alice.email })
    expect([answer.status, answer.location]).toEqual([303, '/w/northwind'])
    const cookie = cookies(answer).find(one => one.startsWith('masthead=')) ?? ''
    expect(cookie).toMatch(/; Path=\/w\/northwind; HttpOnly; SameSite=Lax; Max-Age=1209600$/)
    expect(
      (await house.anyone('GET', '/w/northwind/people', undefined, { cookie: session(answer) })).status,
    ).toBe(200)
  })

  test('takes the mail address in any case', async () => {
    expect((await signIn(house, { email: ` ${house.bob.email.toUpperCase()} ` })).status).toBe(303)
  })

  test('goes on to the page one came for, but only within the workspace', async () => {
    const to = async (next: string) => (await signIn(house, { email: house.bob.email, next })).location
    expect(await to('/w/northwind/people?cursor=x')).toBe('/w/northwind/people?cursor=x')
    for (const next of [
      '//evil.example',
      '/\\evil.example',
      'https://evil.example',
      '/w/southpaw',
      '/w/northwind-2',
      '/setup',
    ])
      expect(await to(next)).toBe('/w/northwind')
  })

  test('says the same, no sooner, whether the address exists or not', async () => {
    const answers: [string, number, number][] = []
    for (const email of [house.alice.email, 'nobody@nowhere.example']) {
      const started = performance.now()
      const { html, status } = await signIn(house, { email, password: 'not the password' })
      answers.push([html.replaceAll(email, ''), status, performance.now() - started])
    }
    const [known, unknown] = answers
    expect(known?.[1]).toBe(401)
    expect(known?.[0]).toBe(unknown?.[0] ?? '')
    for (const [, , took] of answers) expect(took).toBeGreaterThan(245)
  })

  test('a refused form keeps the address and never the password', async () => {
    const { html } = await signIn(house, { email: house.alice.email, password: 'a wrong "password" <b>' })
    expect(html).toContain(`value="${house.alice.email}"`)
    expect(html).not.toContain('a wrong')
  })

  test('the workspace can be named', async () => {
    const { location } = await signIn(house, { email: house.dan.email, workspace: 'Southpaw' })
    expect(location).toBe('/w/southpaw')
    expect((await signIn(house, { email: house.dan.email, workspace: 'northwind' })).status).toBe(401)
  })

  test('several workspaces: one chooses, without the password again', async () => {
    const { db } = house.services
    const passwordHash = await hashPassword(testPassword)
    await db.within({ tenantId: house.dan.tenant.id, userId: null, role: 'system' }, scope =>
      addUser(scope, { name: 'Cora', email: house.cora.email, role: 'author', passwordHash }),
    )
    const asked = await signIn(house, { email: house.cora.email })
    expect(asked.status).toBe(200)
    expect(cookies(asked).some(cookie => cookie.startsWith('masthead='))).toBe(false)
    expect(asked.html).toContain('Northwind Coffee')
    expect(asked.html).toContain('Southpaw Records')
    const choice = hidden(asked.html, 'choice')
    const choose = (fields: Record<string, string>) => house.anyone('POST', '/sign-in/workspace', fields)
    const entered = await choose({ choice, tenant: house.dan.tenant.id })
    expect(entered.location).toBe('/w/southpaw')
    const page = await house.anyone('GET', '/w/southpaw/people', undefined, { cookie: session(entered) })
    expect(page.html).toContain('Cora')
    // A choice that was changed, or names a workspace that is not in it, opens nothing.
    const changed = `${choice.slice(0, -4)}${choice.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`
    expect((await choose({ choice: changed, tenant: house.dan.tenant.id })).status).toBe(401)
    expect((await choose({ choice, tenant: house.alice.id })).status).toBe(401)
    // The page one came for says which one is meant.
    const direct = await signIn(house, { email: house.cora.email, next: '/w/southpaw/people' })
    expect(direct.location).toBe('/w/southpaw/people')
    // Nor does it after the password was changed,
    const table = `${house.dan.tenant.schema}.users`
    const change = async (hash: string) => {
      await db.owner.unsafe(`update ${table} set password_hash = $1 where email = $2`, [
        hash,
        house.cora.email,
      ])
    }
    await change(await hashPassword('an entirely new desk'))
    expect((await choose({ choice, tenant: house.dan.tenant.id })).status).toBe(401)
    await change(passwordHash)
    expect((await choose({ choice, tenant: house.dan.tenant.id })).status).toBe(303)
    // or five minutes later.
    const { secret } = house.services.config
    expect(openChoice(secret, choice, Date.now() + 290_000)).toHaveLength(2)
    expect(openChoice(secret, choice, Date.now() + 301_000)).toBeNull()
    // With the login taken away the open choice is worth nothing.
    await db.owner.unsafe(
      `update ${house.dan.tenant.schema}.users set removed_at = now() where email = '${house.cora.email}'`,
    )
    expect((await choose({ choice, tenant: house.dan.tenant.id })).status).toBe(401)
  })

  test('signing out ends the session at once', async () => {
    const cookie = session(await signIn(house, { email: house.bob.email }))
    const out = await house.anyone('POST', '/w/northwind/sign-out', {}, { cookie })
    expect(out.location).toBe('/sign-in?left=1')
    expect(cookies(out).find(one => one.startsWith('masthead='))).toContain('Max-Age=0')
    const after = await house.anyone('GET', '/w/northwind/people', undefined, { cookie })
    expect(after.location).toBe('/sign-in?next=%2Fw%2Fnorthwind%2Fpeople')
    expect((await house.anyone('POST', '/w/northwind/sign-out', {}, { cookie })).status).toBe(303)
  })

  test('the front page knows the workspaces that this browser entered', async () => {
    const at = async (cookie: string) => {
      const { location, html, status } = await house.anyone('GET', '/', undefined, { cookie })
      return status === 303 ? location : html
    }
    expect(await at('')).toBe('/sign-in')
    expect(await at('masthead-desks=northwind')).toBe('/w/northwind')
    expect(await at('masthead-desks=northwind.southpaw')).toContain('href="/w/southpaw"')
    // Whatever stands in it, it leads to a path of ours.
    expect(await at('masthead-desks=//evil')).toBe('/sign-in')
    expect(await at('masthead-desks=//evil.example')).toBe('/w/example')
  })
})

describe('limits', () => {
  let limited: House
  beforeAll(async () => {
    limited = await openHouse({ TRUST_PROXY: '1' })
  })
  afterAll(() => limited.close())
  const from = (address: string) => ({ 'x-forwarded-for': address })

  test('five sign-ins an account, over both doors and from anywhere, then a wait', async () => {
    const { email } = limited.ann
    for (let time = 0; time < 5; time++)
      expect((await signIn(limited, { email, password: 'no' }, from(`10.0.0.${time}`))).status).toBe(401)
    const page = await signIn(limited, { email }, from('10.0.0.9'))
    expect(page.status).toBe(429)
    expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(800)
    expect(page.html).toContain(`value="${email}"`)
    const api = await limited.ann.api('POST', '/sessions', {
      workspace: 'northwind',
      email: email.toUpperCase(),
      password: testPassword,
    })
    expect([api.status, api.body.code]).toEqual([429, 'too_many'])
    // Another account at that address is not held up, and a forged first hop does not make a new address.
    expect((await signIn(limited, { email: limited.bob.email }, from('10.0.0.9'))).status).toBe(303)
  })

  test('a right password starts the count again', async () => {
    const { email } = limited.dan
    for (let round = 0; round < 2; round++) {
      for (let time = 0; time < 4; time++)
        expect((await signIn(limited, { email, password: 'no' }, from(`10.0.1.${time}`))).status).toBe(401)
      expect((await signIn(limited, { email }, from('10.0.1.9'))).status).toBe(303)
    }
  })

  test('twenty sign-ins an address, whatever a client claims before the proxy', async () => {
    const statuses = await Promise.all(
      Array.from({ length: 21 }, (_, n) =>
        signIn(limited, { email: `p${n}@x.example`, password: 'no' }, from(`1.2.3.${n}, 10.0.2.1`)),
      ),
    )
    expect(statuses.map(({ status }) => status).filter(status => status === 429)).toHaveLength(1)
  })
})

describe('tokens', () => {
  const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const key = derivePassword(testSecret, 'session tokens')
  function forge(header: object, claims: object, secret: string | null = key): string {
    const head = `${base64(header)}.${base64(claims)}`
    const hash = (header as { alg: string }).alg === 'HS512' ? 'sha512' : 'sha256'
    return `${head}.${secret === null ? '' : createHmac(hash, secret).update(head).digest('base64url')}`
  }
  const secretOf = (person: Person, door: 'page' | 'api') =>
    house.services.db.within({ tenantId: person.tenant.id, userId: person.id, role: person.role }, scope =>
      startSession(scope, person.id, door, 'test'),
    )
  async function claims(person: Person, door: 'page' | 'api' = 'api') {
    const now = Math.floor(Date.now() / 1000)
    const secret = await secretOf(person, door)
    return {
      iss: 'masthead',
      aud: `masthead:${door}`,
      tenant: person.tenant.id,
      user: person.id,
      session: secret,
      iat: now,
      exp: now + 600,
    }
  }
  const asked = (token: string) =>
    house.bob.api('GET', '/me', undefined, { authorization: `Bearer ${token}` })
  const hs256 = { alg: 'HS256', typ: 'JWT' }

  test('a token of the API’s own sign-in works, and says who', async () => {
    const given = { workspace: 'northwind', email: house.ann.email, password: testPassword }
    const { status, body } = await house.ann.api('POST', '/sessions', given)
    expect(status).toBe(201)
    expect(Date.parse(body.expiresAt)).toBeGreaterThan(Date.now() + 3_500_000)
    expect((await asked(body.token)).body.user.name).toBe('Ann')
    const gone = await house.bob.api('DELETE', '/sessions/current', undefined, {
      authorization: `Bearer ${body.token}`,
    })
    expect(gone.status).toBe(204)
    expect((await asked(body.token)).status).toBe(401)
  })

  test('one signed as ours is taken; another algorithm, audience, issuer, secret or time is not', async () => {
    const good = await claims(house.bob)
    expect((await asked(forge(hs256, good))).status).toBe(200)
    const bad: Record<string, string> = {
      'alg none': forge({ alg: 'none' }, good, null),
      'alg HS512': forge({ alg: 'HS512' }, good),
      'audience of pages': forge(hs256, { ...good, aud: 'masthead:page' }),
      'no audience': forge(hs256, { ...good, aud: undefined }),
      issuer: forge(hs256, { ...good, iss: 'somebody' }),
      secret: forge(hs256, good, 'another secret'),
      expired: forge(hs256, { ...good, exp: good.iat - 1 }),
      'other tenant': forge(hs256, { ...good, tenant: house.dan.tenant.id }),
      'no tenant': forge(hs256, { ...good, tenant: 'northwind' }),
    }
    for (const [what, token] of Object.entries(bad))
      expect([what, (await asked(token)).status]).toEqual([what, 401])
  })

  test('a cookie’s session is no bearer, and an API token no cookie', async () => {
    const page = forge(hs256, { ...(await claims(house.bob, 'page')), aud: 'masthead:api' })
    expect((await asked(page)).status).toBe(401)
    const api = forge(hs256, { ...(await claims(house.bob, 'api')), aud: 'masthead:page' })
    const { location } = await house.anyone('GET', '/w/northwind/people', undefined, {
      cookie: `masthead=${api}`,
    })
    expect(location).toStartWith('/sign-in')
  })

  test('a cookie of one workspace does not open another', async () => {
    const { location } = await house.bob.page('GET', '/w/southpaw/people')
    expect(location).toStartWith('/sign-in')
    expect((await house.bob.page('POST', '/w/southpaw/settings/sessions/removal', {})).status).toBe(401)
  })

  test('a user who is marked as removed has no session and no key, even where their rows are left', async () => {
    const cookie = session(await signIn(house, { email: house.ann.email }))
    const mark = (value: string) =>
      house.services.db.owner.unsafe(
        `update ${house.ann.tenant.schema}.users set removed_at = ${value} where id = '${house.ann.id}'`,
      )
    const see = async () => [
      (await house.anyone('GET', '/w/northwind/people', undefined, { cookie })).status,
      (await house.ann.api('GET', '/me')).status,
    ]
    expect(await see()).toEqual([200, 200])
    await mark('now()')
    expect(await see()).toEqual([303, 401])
    await mark('null')
  })

  test('a session ends fourteen days after it was last used, and not before', async () => {
    const cookie = session(await signIn(house, { email: house.bob.email }))
    const day = 24 * 3600 * 1000
    const see = async () => {
      const answer = await house.anyone('GET', '/w/northwind/people', undefined, { cookie })
      return answer.status
    }
    try {
      await house.shiftClock(13 * day)
      expect(await see()).toBe(200)
      await house.shiftClock(26 * day)
      expect(await see()).toBe(200)
      await house.shiftClock(41 * day)
      expect(await see()).toBe(303)
    } finally {
      await house.shiftClock(0)
    }
  })
})

describe('the origin of a form', () => {
  const send = (headers: Record<string, string>) =>
    house.alice.page('POST', '/w/northwind/settings/sessions/removal', {}, headers)

  test('another site’s is refused, and the page names both addresses', async () => {
    const { status, html } = await send({ origin: 'https://evil.example' })
    expect(status).toBe(403)
    expect(html).toContain('https://evil.example')
    expect(html).toContain('http://localhost')
    expect(
      (await house.anyone('POST', '/sign-in', { email: 'a@b.example', password: 'x' }, { origin: 'null' }))
        .status,
    ).toBe(403)
  })

  test('one that does not say where it comes from is refused', async () => {
    const request = new Request('http://localhost/w/northwind/settings/sessions/removal', {
      method: 'POST',
      headers: { cookie: await house.alice.cookie() },
    })
    expect((await house.app.handle(request)).status).toBe(403)
  })
})

describe('behind https', () => {
  let secure: House
  beforeAll(async () => {
    secure = await openHouse({ PUBLIC_URL: 'https://desk.example.com', RATE_LIMIT: 'off' })
  })
  afterAll(() => secure.close())
  const trouble = 'Signing in will not work at this address'

  test('the session cookie is Secure, by name and by flag', async () => {
    const answer = await signIn(secure, { email: secure.alice.email }, { origin: 'https://desk.example.com' })
    const cookie = cookies(answer).find(one => one.startsWith('__Secure-masthead=')) ?? ''
    expect(cookie).toMatch(/; Path=\/w\/northwind; HttpOnly; SameSite=Lax; Max-Age=1209600; Secure$/)
    expect(
      (await secure.anyone('GET', '/w/northwind/people', undefined, { cookie: session(answer) })).status,
    ).toBe(200)
    expect(
      (
        await secure.anyone('GET', '/w/northwind/people', undefined, {
          cookie: session(answer).replace('__Secure-', ''),
        })
      ).status,
    ).toBe(303)
  })

  test('the sign-in page says why plain http does not work, and where it would', async () => {
    const plain = await secure.anyone('GET', '/sign-in')
    expect(plain.html).toContain(trouble)
    expect(plain.html).toContain('href="https://desk.example.com/sign-in"')
    // A proxy took the https off: the browser itself tells.
    const proxied = { 'sec-fetch-site': 'none', host: 'desk.example.com' }
    expect((await secure.anyone('GET', '/sign-in', undefined, proxied)).html).not.toContain(trouble)
    expect((await house.anyone('GET', '/sign-in')).html).not.toContain(trouble)
  })

  test('whoever comes back without the cookie is told that it was refused', async () => {
    const answer = await signIn(house, { email: house.bob.email })
    const kept =
      cookies(answer)
        .find(one => one.startsWith('masthead-tried='))
        ?.split(';')[0] ?? ''
    const back = await house.anyone('GET', '/sign-in?next=%2Fw%2Fnorthwind', undefined, { cookie: kept })
    expect(back.html).toContain('the cookie did not come back')
    expect((await house.anyone('GET', '/sign-in?next=%2Fw%2Fnorthwind')).html).not.toContain(
      'did not come back',
    )
  })
})

describe('the password', () => {
  const change = (cookie: string, currentPassword: string, password: string) =>
    house.anyone('POST', '/w/northwind/settings/password', { currentPassword, password }, { cookie })

  test('is changed with the present one; the other sessions and reset links end, this one goes on', async () => {
    const { email } = house.cora
    const [here, there] = [session(await signIn(house, { email })), session(await signIn(house, { email }))]
    const see = async (cookie: string) =>
      (await house.anyone('GET', '/w/northwind/people', undefined, { cookie })).status
    const wrong = await change(here, 'not the present one', 'an entirely new desk')
    expect(wrong.status).toBe(422)
    expect(wrong.html).toContain('Present password is not right.')
    expect(wrong.html).not.toContain('an entirely new desk')
    expect((await change(here, testPassword, 'too short')).status).toBe(422)
    expect((await change(here, testPassword, 'aaaabbbbbbbbbbb')).html).toContain('too easy to guess')
    expect(await see(there)).toBe(200)
    expect((await change(here, testPassword, 'an entirely new desk')).location).toBe('/w/northwind/settings')
    expect([await see(here), await see(there)]).toEqual([200, 303])
    expect((await signIn(house, { email })).status).toBe(401)
    expect((await signIn(house, { email, password: 'an entirely new desk' })).status).toBe(303)
  })

  test('the present one is not to be guessed at: five tries', async () => {
    const limited = await openHouse()
    try {
      const tries: number[] = []
      for (let time = 0; time < 6; time++)
        tries.push(
          (
            await limited.ann.page('POST', '/w/northwind/settings/password', {
              currentPassword: `guess ${time}`,
              password: 'an entirely new desk',
            })
          ).status,
        )
      expect(tries).toEqual([422, 422, 422, 422, 422, 429])
    } finally {
      await limited.close()
    }
  })
})
