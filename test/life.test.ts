import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createWorker, type Worker } from '../src/jobs/worker.ts'
import { renameTenant, resumeTenant, suspendTenant } from '../src/tenants/life.ts'
import { type House, openHouse } from './cast.ts'
import { testPassword } from './setup.ts'

setDefaultTimeout(60_000)

const reason = 'The bill of October is open'
let house: House
let worker: Worker
beforeAll(async () => {
  house = await openHouse({ RATE_LIMIT: 'off' })
  worker = createWorker(house.services)
})
afterAll(async () => {
  await worker.stop(5_000)
  await house.close()
})

const northwind = () => house.alice.tenant.id
const suspend = () => suspendTenant(house.services.db, northwind(), reason)
const resume = () => resumeTenant(house.services.db, northwind())
const system = () => ({ tenantId: northwind(), userId: null, role: 'system' }) as const

/** Plans a post of Northwind to its rehearsal account in so many milliseconds. */
async function plan(text: string, inMs: number): Promise<string> {
  const content = (await house.alice.api('POST', '/content', { text })).body
  const at = new Date(Date.now() + inMs).toISOString()
  const planned = await house.alice.api('POST', `/content/${content.id}/publish-jobs`, {
    accounts: [await rehearsal()],
    at,
  })
  expect(planned.status).toBe(201)
  return planned.body.items[0].id
}

let account: string | undefined
async function rehearsal(): Promise<string> {
  account ??= (await house.alice.api('POST', '/accounts', { platform: 'rehearsal', settings: {} })).body
    .id as string
  return account
}

const job = async (id: string) => (await house.alice.api('GET', `/publish-jobs/${id}`)).body
const day = 86_400_000

describe('while a workspace is suspended', () => {
  let invitation = ''
  beforeAll(async () => {
    invitation = (
      await house.alice.api('POST', '/invitations', { email: 'guest@northwind.example', role: 'author' })
    ).body.link
    await house.bob.cookie()
    await house.alice.cookie()
    await suspend()
  })
  afterAll(async () => {
    await resume()
  })

  test('the API answers 403 with the code and the reason, for everybody and every route alike', async () => {
    for (const who of [house.alice, house.bob, house.cora])
      for (const [method, path, body] of [
        ['GET', '/me', undefined],
        ['GET', '/content', undefined],
        ['POST', '/content', { text: 'x' }],
      ] as const) {
        const { status, body: problem } = await who.api(method, path, body)
        expect([status, problem.code]).toEqual([403, 'suspended'])
        expect(problem.detail).toContain(reason)
      }
  })

  test('a key that proves nothing learns nothing', async () => {
    const key = house.alice.key.slice(0, -3)
    const answer = await house.alice.api('GET', '/me', undefined, { authorization: `Bearer ${key}xyz` })
    expect([answer.status, JSON.stringify(answer.body).includes('suspended')]).toEqual([401, false])
  })

  test('a page says so in words; an owner is shown what they can do', async () => {
    for (const path of ['', '/calendar', '/settings', '/people']) {
      const { status, html } = await house.bob.page('GET', `/w/northwind${path}`)
      expect(status).toBe(403)
      expect(html).toContain(reason)
      expect(html).toContain('Ask an owner')
      expect(html).not.toContain('/w/northwind/workspace')
    }
    const owners = await house.alice.page('GET', '/w/northwind/calendar')
    expect(owners.status).toBe(403)
    expect(owners.html).toContain('/w/northwind/workspace')
    const itself = await house.alice.page('GET', '/w/northwind/workspace')
    expect(itself.status).toBe(200)
    expect(itself.html).toContain(reason)
    expect((await house.bob.page('GET', '/w/northwind/workspace')).status).toBe(403)
  })

  test('who is not signed in, or at home elsewhere, is asked to sign in and told nothing', async () => {
    for (const met of [
      await house.anyone('GET', '/w/northwind'),
      await house.dan.page('GET', '/w/northwind'),
    ]) {
      expect([met.status, met.location]).toEqual([303, '/sign-in?next=%2Fw%2Fnorthwind'])
      expect(met.html).not.toContain(reason)
    }
  })

  test('the sign-in tells it only after the right password, and lets owners in', async () => {
    const signIn = (email: string, password: string) =>
      house.anyone('POST', '/sign-in', { email, password, workspace: 'northwind' })
    const wrong = await signIn(house.bob.email, 'not this one at all')
    expect([wrong.status, wrong.html.includes(reason), wrong.html.includes('suspended')]).toEqual([
      401,
      false,
      false,
    ])
    const bob = await signIn(house.bob.email, testPassword)
    expect([bob.status, bob.html.includes(reason)]).toEqual([403, true])
    expect(bob.headers.get('set-cookie')).toBeNull()
    const session = await house.bob.api('POST', '/sessions', {
      workspace: 'northwind',
      email: house.bob.email,
      password: testPassword,
    })
    expect([session.status, session.body.code]).toEqual([403, 'suspended'])
  })

  test('its feed asks readers to come again, an invitation waits, and one can sign out', async () => {
    for (const path of ['', '/rss.xml', '/posts/x']) {
      const feed = await house.anyone('GET', `/feed/northwind${path}`)
      expect([feed.status, feed.headers.get('retry-after')]).toEqual([503, '3600'])
      expect(feed.html).not.toContain(reason)
    }
    const invited = await house.anyone('GET', new URL(invitation).pathname)
    expect([invited.status, invited.html.includes(reason)]).toEqual([403, false])
    const out = await house.cora.page('POST', '/w/northwind/sign-out', {})
    expect([out.status, out.location]).toEqual([303, '/sign-in?left=1'])
    expect((await house.cora.page('GET', '/w/northwind')).location).toStartWith('/sign-in')
  })

  test('the neighbour notices nothing', async () => {
    expect((await house.dan.api('GET', '/me')).status).toBe(200)
    expect((await house.anyone('GET', '/feed/southpaw')).status).toBe(200)
  })
})

test('a process that was told nothing serves again at once when the workspace is resumed', async () => {
  expect((await house.alice.api('GET', '/me')).status).toBe(200)
  const { owner, tenantById } = house.services.db
  // As another process does it: this one is told nothing.
  await owner`update public.tenants set state = 'suspended', state_reason = 'x' where id = ${northwind()}`
  house.services.db.forgetTenant(northwind())
  expect((await house.alice.api('GET', '/me')).status).toBe(403)
  expect((await tenantById(northwind()))?.state).toBe('suspended')
  await owner`update public.tenants set state = 'active', state_reason = null where id = ${northwind()}`
  expect((await house.alice.api('GET', '/me')).status).toBe(200)
})

describe('what falls due while a workspace is suspended', () => {
  let missed = ''
  let later = ''
  beforeEach(async () => {
    await house.shiftClock(0)
    missed = await plan('Planned for today', 3_600_000)
    later = await plan('Planned for next week', 7 * day)
    await suspend()
    await house.shiftClock(day)
  })

  test('is claimed by nobody, not even when a process that remembers it as served plans more', async () => {
    const { db } = house.services
    let entered = 0
    const counting = createWorker({
      ...house.services,
      db: {
        ...db,
        within: (actor, work, options) => {
          entered++
          return db.within(actor, work, options)
        },
      },
    })
    await db.within(system(), async scope => {
      await scope.sql`update publish_jobs set run_at = public.clock() where id = ${later}`
      await scope.sql`update tenant_due set next_due_at = least(next_due_at, public.clock())`
    })
    await counting.idle()
    await counting.stop(1_000)
    expect(entered).toBe(0)
    await resume()
    expect([(await job(missed)).state, (await job(missed)).attempts]).toEqual(['held', []])
  })

  test('is not claimed either when it is suspended between the look and the claim', async () => {
    await resume()
    const due = await plan('Due in a moment', 60_000 + day)
    await house.shiftClock(day + 120_000)
    const { db } = house.services
    const late = createWorker({
      ...house.services,
      db: {
        ...db,
        async within(actor, work, options) {
          await suspend()
          return db.within(actor, work, options)
        },
      },
    })
    await late.idle()
    await late.stop(1_000)
    expect(await resume()).toEqual({ late: 1 })
    expect([(await job(due)).state, (await job(due)).attempts]).toEqual(['held', []])
  })

  test('waits for a word after it is resumed; what is still to come goes out', async () => {
    expect(await resume()).toEqual({ late: 1 })
    await worker.idle()
    const held = await job(missed)
    expect([held.state, held.error.code, held.attempts]).toEqual(['held', 'late', []])
    expect(held.error.message).toBe('Its moment passed while the workspace was suspended.')
    expect((await job(later)).state).toBe('scheduled')
    await house.shiftClock(7 * day + 60_000)
    await worker.idle()
    expect([(await job(later)).state, (await job(missed)).state]).toEqual(['published', 'held'])
    await house.shiftClock(day)
  })

  test('is shown to whoever can answer: on Today, the calendar, its page, in lists and notifications', async () => {
    await resume()
    const words = 'Its moment passed while the workspace was suspended.'
    const today = (await house.bob.page('GET', '/w/northwind')).html
    expect(today).toContain('Not sent: its moment passed 23 h ago')
    expect(today).toContain(words)
    expect(today.split(`href="/w/northwind/publish-jobs/${missed}"`)).toHaveLength(2)
    expect((await house.bob.page('GET', '/w/northwind/calendar')).html).toContain(
      'not sent: Planned for today',
    )
    const page = (await house.bob.page('GET', `/w/northwind/publish-jobs/${missed}`)).html
    for (const part of [words, 'Send it now', 'Another time', 'Cancel']) expect(page).toContain(part)
    expect((await house.bob.page('GET', '/w/northwind/publish-jobs?state=held')).html).toContain(
      'its moment passed',
    )
    expect((await house.bob.page('GET', '/w/northwind/notifications')).html).toContain(
      'its moment passed while the workspace was suspended',
    )
    // Ann writes: she can do nothing about it, and is asked nothing.
    expect((await house.ann.page('GET', '/w/northwind')).html).not.toContain('Not sent')
    const read = (await house.ann.page('GET', `/w/northwind/publish-jobs/${missed}`)).html
    expect(read).toContain(words)
    expect(read).not.toContain('/resolution')
  })

  test('can be sent now, cancelled, or moved, through both doors', async () => {
    const more = await Promise.all([1, 2, 3].map(n => heldLate(`another ${n}`)))
    await resume()
    const [now = '', gone = '', moved = ''] = more
    const at = `/publish-jobs/${now}/resolution`
    for (const who of [house.ann, house.cora])
      expect((await who.api('POST', at, { as: 'retry' })).status).toBe(403)
    expect((await house.dan.api('POST', at, { as: 'retry' })).status).toBe(404)
    const nonsense = await house.bob.api('POST', at, { as: 'published' })
    expect([nonsense.status, nonsense.body.code]).toEqual([409, 'conflict'])
    expect((await house.bob.api('POST', at, { as: 'retry' })).body).toMatchObject({
      state: 'scheduled',
      error: null,
    })
    expect(
      (await house.bob.api('POST', `/publish-jobs/${gone}/resolution`, { as: 'abandon' })).body.state,
    ).toBe('cancelled')
    const inTwoDays = new Date(Date.now() + 2 * day).toISOString()
    expect((await house.bob.api('PATCH', `/publish-jobs/${moved}`, { at: inTwoDays })).body).toMatchObject({
      state: 'scheduled',
      error: null,
      nextTryAt: null,
    })
    const sent = await house.bob.page('POST', `/w/northwind/publish-jobs/${missed}/resolution`, {
      as: 'retry',
      _back: '',
    })
    expect([sent.status, sent.location]).toEqual([303, '/w/northwind'])
    await worker.idle()
    expect(await Promise.all([now, gone, moved, missed].map(async id => (await job(id)).state))).toEqual([
      'published',
      'cancelled',
      'scheduled',
      'published',
    ])
    const open = (await house.bob.api('GET', '/notifications?open=true')).body.items as {
      subjectId: string
    }[]
    expect(open.filter(({ subjectId }) => [now, gone, moved, missed].includes(subjectId))).toEqual([])
    await house.shiftClock(2 * day + 60_000)
    await worker.idle()
    expect((await job(moved)).state).toBe('published')
    await house.shiftClock(day)
  })

  test('an approval that is missing holds it again, whatever is answered', async () => {
    await resume()
    await house.alice.api('PATCH', '/workspace', { approvalRequired: true })
    expect(
      (await house.bob.api('POST', `/publish-jobs/${missed}/resolution`, { as: 'retry' })).body.state,
    ).toBe('held')
    await house.alice.api('PATCH', '/workspace', { approvalRequired: false })
    await worker.idle()
    expect((await job(missed)).state).toBe('published')
  })

  test('what broke off while it was sent is never sent again by itself', async () => {
    const [unarmed, armed] = [await heldLate('broke off before'), await heldLate('broke off after')]
    await house.services.db.within(system(), async ({ sql }) => {
      for (const [id, armedAt] of [
        [unarmed, null],
        [armed, new Date()],
      ] as const) {
        const [attempt] = await sql`
          insert into publish_attempts (id, job_id, number, worker, armed_at)
          values (${id}, ${id}, 1, 'gone', ${armedAt}) returning id`
        await sql`
          update publish_jobs set state = 'publishing', attempt_id = ${attempt?.id as string},
            lease_until = public.clock() - interval '1 hour' where id = ${id}`
      }
    })
    await resume()
    await worker.idle()
    expect([(await job(unarmed)).state, (await job(unarmed)).error.code]).toEqual(['held', 'late'])
    expect([(await job(armed)).state, (await job(armed)).error.code]).toEqual(['unconfirmed', 'broken_off'])
  })

  /** A job that is due, as the others are: planned by hand, since the doors are closed. */
  async function heldLate(text: string): Promise<string> {
    const [source] = await house.services.db.within(
      system(),
      ({ sql }) => sql`
        insert into publish_jobs (id, content_id, version_id, account_id, state, run_at, local, zone)
        select gen_random_uuid(), content_id, version_id, account_id, 'scheduled', run_at - ${text.length} * interval '1 minute', local, zone
        from publish_jobs where id = ${missed} returning id`,
    )
    return source?.id as string
  }
})

describe('a new address', () => {
  const rename = (to: string) => renameTenant(house.services.db, system(), to)

  test('the former one leads to it: pages with their session, the feed, sign-in, and nobody else can take it', async () => {
    const content = (await house.alice.api('POST', '/content', { text: 'a link to me' })).body.id
    await rename('northwind-roasters')
    const cookie = await house.alice.cookie()
    const moved = await house.alice.page('GET', `/w/northwind/content/${content}?x=1`)
    expect([moved.status, moved.location]).toEqual([302, `/w/northwind-roasters/content/${content}?x=1`])
    const cookies = moved.headers.getSetCookie()
    expect(cookies.some(one => one.startsWith(`${cookie}; Path=/w/northwind-roasters;`))).toBe(true)
    expect((await house.alice.page('GET', moved.location)).status).toBe(200)
    const form = await house.alice.page('POST', `/w/northwind/content/${content}/comments`, {
      text: 'sent again',
    })
    expect([form.status, form.location]).toEqual([307, `/w/northwind-roasters/content/${content}/comments`])

    const feed = await house.anyone('GET', '/feed/northwind/rss.xml')
    expect([feed.status, feed.location, feed.headers.get('cache-control')]).toEqual([
      301,
      '/feed/northwind-roasters/rss.xml',
      'no-store',
    ])
    expect((await house.anyone('GET', '/feed/northwind-roasters/rss.xml')).status).toBe(200)

    const stranger = await house.dan.page('GET', '/w/northwind')
    expect(stranger.location).toStartWith('/sign-in?next=')
    const signedIn = await house.anyone('POST', '/sign-in', {
      email: house.alice.email,
      password: testPassword,
      workspace: 'northwind',
      next: `/w/northwind/content/${content}`,
    })
    expect([signedIn.status, signedIn.location]).toEqual([303, `/w/northwind-roasters/content/${content}`])
    const token = await house.alice.api('POST', '/sessions', {
      workspace: 'northwind',
      email: house.alice.email,
      password: testPassword,
    })
    expect(token.status).toBe(201)
    expect((await house.alice.api('GET', '/me')).body.tenant.slug).toBe('northwind-roasters')
    const accounts = (await house.alice.api('GET', '/accounts')).body.items as {
      handle: string
      platform: string
    }[]
    expect(accounts.find(({ platform }) => platform === 'feed')?.handle).toBe('/feed/northwind-roasters')

    for (const taken of ['northwind', 'northwind-roasters']) {
      const refused = await house.dan.api('POST', '/workspace/address', { slug: taken })
      expect([refused.status, refused.body.code]).toEqual([409, 'conflict'])
    }
  })

  test('going back works, and so does coming again', async () => {
    await rename('northwind')
    expect((await house.anyone('GET', '/feed/northwind')).status).toBe(200)
    expect((await house.anyone('GET', '/feed/northwind-roasters')).location).toBe('/feed/northwind')
    expect(await rename('northwind')).toEqual({ from: 'northwind', to: 'northwind' })
    const rows = await house.services.db
      .owner`select slug from public.former_slugs where tenant_id = ${northwind()}`
    expect(rows.map(({ slug }) => slug)).toEqual(['northwind-roasters'])
  })

  test('of two who want the same address one gets it', async () => {
    const { db } = house.services
    const dans = { tenantId: house.dan.tenant.id, userId: null, role: 'system' } as const
    const both = await Promise.allSettled([rename('contested'), renameTenant(db, dans, 'contested')])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    await rename('northwind')
    await renameTenant(db, dans, 'southpaw').catch(() => {})
  })
})
