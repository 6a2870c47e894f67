/** The forecast: every planned job rehearsed without sending, each night and on demand. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { firstAlike } from '../src/forecast/alike.ts'
import { forgetFindings } from '../src/forecast/listen.ts'
import type { Finding, Forecast } from '../src/forecast/schema.ts'
import { crontab } from '../src/jobs/crontab.ts'
import { forecastTenant } from '../src/jobs/forecasts.ts'
import { createWorker } from '../src/jobs/worker.ts'
import { newId } from '../src/lib/id.ts'
import { type House, openHouse, type Person } from './cast.ts'
import { type Mastodon, type Smtp, startMastodon, startSmtp } from './peers/index.ts'
import { newPicture } from './world.ts'

const hour = 3_600_000
const day = 24 * hour

describe('texts that are nearly the same', () => {
  test.each([
    [
      'the same words, other marks and links',
      'New beans are here! https://a.example',
      'new BEANS are here',
      true,
    ],
    [
      'one word changed in a long text',
      'We open at nine on Sunday with fresh bread, new beans and cake for all',
      'We open at nine on Sunday with fresh bread, new beans and pie for all',
      true,
    ],
    ['other words', 'We open at nine on Sunday', 'The roastery is closed tomorrow', false],
    ['one word alone, twice', 'Hello', 'hello!', true],
    ['nothing but links', 'https://a.example', 'https://b.example', false],
  ])('%s', (_name, one, other, alike) => {
    expect(firstAlike([one, other])).toEqual(alike ? [1, 0] : [null, null])
  })

  test('a slogan below every post makes none of them alike, and many posts take no time', () => {
    const texts = Array.from(
      { length: 3000 },
      (_, at) =>
        `Number ${at} tells ${at * 7} of ${at * 13} things, with the same slogan as every day below it`,
    )
    const began = performance.now()
    expect(firstAlike(texts).every(one => one === null)).toBe(true)
    expect(performance.now() - began).toBeLessThan(3000)
  })
})

describe('the forecast', () => {
  let house: House
  let server: Mastodon
  let smtp: Smtp
  let masto: string
  let token: string
  let rehearsal: string
  beforeAll(async () => {
    server = await startMastodon({ rateLimit: 100_000 })
    smtp = await startSmtp()
    house = await openHouse({
      OUTBOUND_ALLOW: server.host,
      SMTP_URL: smtp.url(),
      MAIL_FROM: 'desk@example.com',
    })
    token = server.addAccount('northwind').token
    masto = await connect('mastodon', { instance: server.url, token })
    rehearsal = await connect('rehearsal', {})
  }, 30_000)
  afterAll(async () => {
    await house?.close()
    await Promise.all([server?.stop(), smtp?.stop()])
  })

  const connect = async (platform: string, settings: object) =>
    (await house.alice.api('POST', '/accounts', { platform, settings })).body.id as string
  async function plan(text: string, account: string, inMs: number, media: string[] = [], more: object = {}) {
    const content = await house.alice.api('POST', '/content', { text, media, ...more })
    const planned = await house.alice.api('POST', `/content/${content.body.id}/publish-jobs`, {
      accounts: [account],
      at: new Date(Date.now() + inMs).toISOString(),
    })
    expect(planned.status).toBe(201)
    return { job: planned.body.items[0].id as string, content: content.body.id as string }
  }
  async function look(person: Person = house.alice): Promise<Forecast> {
    const answer = await person.api('POST', '/forecasts')
    expect(answer.status).toBe(201)
    return answer.body
  }
  const of = (forecast: Forecast, job: string) => forecast.jobs.find(one => one.jobId === job)
  const codes = (forecast: Forecast, job: string) => of(forecast, job)?.findings.map(({ code }) => code)
  const inside = <T>(work: Parameters<House['services']['db']['within']>[1]) =>
    house.services.db.within(
      { tenantId: house.alice.tenant.id, userId: null, role: 'system' },
      work,
    ) as Promise<T>
  const clear = () =>
    inside(({ sql }) => sql`update publish_jobs set state = 'cancelled' where state in ('scheduled', 'held')`)

  test('before the first one there is none; then all is green, and nothing has been sent', async () => {
    expect((await house.alice.api('GET', '/forecasts/latest')).status).toBe(404)
    const { job } = await plan('A quiet morning with coffee', masto, day)
    const beyond = await plan('Next month', masto, 8 * day)
    const forecast = await look()
    expect(forecast.counts).toEqual({ green: 1, amber: 0, red: 0 })
    expect(of(forecast, job)).toEqual({ jobId: job, level: 'green', findings: [] })
    expect(of(forecast, beyond.job)).toBeUndefined()
    expect((await house.alice.api('GET', '/forecasts/latest')).body).toEqual(forecast)
    expect(server.accepted).toEqual([])
    expect(server.requests.some(({ method, path }) => method === 'POST' && path.endsWith('/statuses'))).toBe(
      false,
    )
    // Another tenant sees nothing of it, and a reviewer may look but not ask.
    expect((await house.dan.api('GET', '/forecasts/latest')).status).toBe(404)
    expect((await house.cora.api('GET', '/forecasts/latest')).status).toBe(200)
    expect((await house.cora.api('POST', '/forecasts')).status).toBe(403)
    await clear()
  })

  test('a text that the server takes no longer, a picture that is gone, a token that may not write', async () => {
    const file = new FormData()
    file.append('file', await newPicture())
    const media = (await house.alice.api('POST', '/media', file)).body.id as string
    const long = await plan('x'.repeat(400), masto, day)
    const pictured = await plan('With a picture that gets lost', rehearsal, day, [media])
    await house.services.storage.remove(`media/${house.alice.tenant.id}/${media}`)
    server.faults.next('GET /api/v2/instance', {
      is: 'status',
      status: 200,
      body: { version: '4.5.0', configuration: { statuses: { max_characters: 300 } } },
    })
    const forecast = await look()
    expect(codes(forecast, long.job)).toEqual(['text_too_long'])
    expect(of(forecast, long.job)).toMatchObject({
      level: 'red',
      findings: [
        {
          reason: expect.stringContaining('300'),
          cure: expect.stringContaining('Shorten'),
          path: `/content/${long.content}`,
        },
      ],
    })
    expect(codes(forecast, pictured.job)).toEqual(['picture_missing'])
    server.faults.next('GET /api/v1/apps/verify_credentials', {
      is: 'status',
      status: 200,
      body: { name: 'Masthead', scopes: ['read'] },
    })
    expect(codes(await look(), long.job)).toEqual(['scope_missing'])
    await clear()
  })

  test('each part of a thread, its pictures, and the first comment are looked at', async () => {
    const file = new FormData()
    file.append('file', await newPicture())
    const media = (await house.alice.api('POST', '/media', file)).body.id as string
    const long = 'y'.repeat(400)
    const part = await plan('The beginning', masto, day, [], { thread: [{ text: long }] })
    const comment = await plan('Something else', masto, 2 * day, [], { firstComment: long })
    const pictured = await plan('A lost picture', rehearsal, day, [], { thread: [{ media: [media] }] })
    await house.services.storage.remove(`media/${house.alice.tenant.id}/${media}`)
    server.faults.next('GET /api/v2/instance', {
      is: 'status',
      status: 200,
      body: { version: '4.5.0', configuration: { statuses: { max_characters: 300 } } },
    })
    const forecast = await look()
    expect(codes(forecast, part.job)).toEqual(['text_too_long'])
    expect(of(forecast, part.job)?.findings[0]?.reason).toStartWith('Part 2: the text counts 400')
    expect(of(forecast, comment.job)?.findings[0]?.reason).toStartWith('The first comment: the text counts')
    expect(codes(forecast, pictured.job)).toEqual(['picture_missing'])
    await clear()
  })

  test('two posts within minutes, and nearly the same words within days', async () => {
    const words = 'Our new beans from the hills have arrived and taste of plums'
    const first = await plan(words, rehearsal, day)
    const close = await plan('Something else entirely, about cups', rehearsal, day + 5 * 60_000)
    const again = await plan(`${words}!`, rehearsal, 3 * day)
    const elsewhere = await plan(words, masto, 3 * day)
    const forecast = await look()
    expect(codes(forecast, first.job)).toEqual([])
    expect(of(forecast, close.job)).toMatchObject({ level: 'amber', findings: [{ code: 'crowded' }] })
    expect(codes(forecast, again.job)).toEqual(['near_duplicate'])
    expect(codes(forecast, elsewhere.job)).toEqual([])
    await clear()
  })

  test('what the platform takes no more calls for until then goes out late', async () => {
    const soon = await plan('The window is spent', masto, 5 * 60_000)
    const later = await plan('A window of its own', masto, hour)
    server.faults.next('GET /api/v1/apps/verify_credentials', {
      is: 'status',
      status: 200,
      body: { name: 'Masthead', scopes: ['read', 'write'] },
      headers: {
        'X-RateLimit-Remaining': '0',
        'X-RateLimit-Reset': new Date(Date.now() + 15 * 60_000).toISOString(),
      },
    })
    const forecast = await look()
    expect(of(forecast, soon.job)).toMatchObject({ level: 'amber', findings: [{ code: 'quota_spent' }] })
    expect(codes(forecast, later.job)).toEqual([])
    await clear()
  })

  test('approval that is late is red, in good time amber; an approval takes the finding away', async () => {
    const soon = await plan('Needs a yes today', rehearsal, 10 * hour)
    const later = await plan('Needs a yes this week', rehearsal, 5 * day)
    await house.alice.api('PATCH', '/workspace', { approvalRequired: true })
    const forecast = await look()
    expect(of(forecast, soon.job)).toMatchObject({ level: 'red', findings: [{ code: 'approval_missing' }] })
    expect(of(forecast, later.job)).toMatchObject({
      level: 'amber',
      findings: [{ code: 'approval_missing' }],
    })
    await house.ann.api('POST', `/content/${soon.content}/submission`)
    await house.cora.api('POST', `/content/${soon.content}/approval`, {})
    const latest: Forecast = (await house.alice.api('GET', '/forecasts/latest')).body
    expect(of(latest, soon.job)).toBeUndefined()
    expect(of(latest, later.job)?.level).toBe('amber')
    await house.alice.api('PATCH', '/workspace', { approvalRequired: false })
    await clear()
  })

  test('an approval is known at once of a post that something else holds as well', async () => {
    const { job, content } = await plan('Approved under a brake', rehearsal, 10 * hour)
    const brake = await house.alice.api('POST', '/brakes', { scope: 'workspace', reason: 'Wait.' })
    await house.alice.api('PATCH', '/workspace', { approvalRequired: true })
    const heldFor = async () => (await house.alice.api('GET', `/publish-jobs/${job}`)).body.heldFor
    expect(await heldFor()).toBe('brake')
    await house.ann.api('POST', `/content/${content}/submission`)
    expect(codes(await look(), job)).toContain('approval_missing')
    expect((await house.cora.api('POST', `/content/${content}/approval`, {})).status).toBe(201)
    expect(of((await house.alice.api('GET', '/forecasts/latest')).body, job)).toBeUndefined()
    expect(await heldFor()).toBe('brake')
    await house.alice.api('DELETE', `/brakes/${brake.body.id}`)
    await house.alice.api('PATCH', '/workspace', { approvalRequired: false })
    await clear()
  })

  test('a seal that is broken or missing is told before the post is stopped by it', async () => {
    const form = new FormData()
    form.append('file', await newPicture())
    form.append('alt', 'A red cup')
    const picture = (await house.alice.api('POST', '/media', form)).body.id as string
    const approved = async (text: string, inMs: number, media: string[] = []) => {
      const planned = await plan(text, rehearsal, inMs, media)
      await house.ann.api('POST', `/content/${planned.content}/submission`)
      await house.cora.api('POST', `/content/${planned.content}/approval`, {})
      return planned
    }
    await house.alice.api('PATCH', '/workspace', { approvalRequired: true })
    const whole = await approved('Sealed and whole', 2 * day)
    const soon = await approved('Its cup turns blue by tonight', 10 * hour, [picture])
    const later = await approved('Some other words with that cup', 5 * day, [picture])
    const bare = await approved('An account that nobody thought of', 3 * day)
    const before = await look()
    for (const { job } of [whole, soon, later, bare]) expect(codes(before, job)).toEqual([])
    // Behind the back of the moves, which would have broken the approvals at once.
    await inside(async ({ sql }) => {
      await sql`update media set alt = 'A blue cup' where id = ${picture}`
      await sql`delete from seals where content_id = ${bare.content} and account_id = ${rehearsal}`
      await sql`update seals set sha256 = repeat('0', 64) where content_id = ${bare.content}`
    })
    const after = await look()
    const broken = { code: 'seal_broken', path: `/content/${soon.content}` }
    expect(of(after, soon.job)).toMatchObject({ level: 'red', findings: [broken] })
    expect(of(after, later.job)).toMatchObject({ level: 'amber', findings: [{ code: 'seal_broken' }] })
    expect(of(after, bare.job)).toMatchObject({ level: 'amber', findings: [{ code: 'seal_missing' }] })
    expect(of(after, whole.job)?.level).toBe('green')
    // The cure: taken back, and approved as it is now.
    expect((await house.cora.api('DELETE', `/content/${soon.content}/approval`)).status).toBeLessThan(300)
    expect((await house.cora.api('POST', `/content/${soon.content}/approval`, {})).status).toBe(201)
    expect(codes(await look(), soon.job)).toEqual([])
    await house.alice.api('PATCH', '/workspace', { approvalRequired: false })
    expect(codes(await look(), later.job)).toEqual([])
    await clear()
  })

  test('what a brake holds is amber, until it is let go', async () => {
    const { job } = await plan('Held back by somebody', rehearsal, day)
    const brake = await house.alice.api('POST', '/brakes', { scope: 'workspace', reason: 'Think first' })
    expect(brake.status).toBe(201)
    expect(of(await look(), job)).toMatchObject({
      level: 'amber',
      findings: [{ code: 'braked', path: '/brakes' }],
    })
    await house.alice.api('DELETE', `/brakes/${brake.body.id}`)
    expect(of((await house.alice.api('GET', '/forecasts/latest')).body, job)).toBeUndefined()
    await clear()
  })

  test('what was found of many is forgotten in one statement', async () => {
    const ours = await Promise.all(
      [1, 2, 3].map(number => plan(`Number ${number} of a few posts`, rehearsal, number * day)),
    )
    expect((await look()).jobs.length).toBe(3)
    let statements = 0
    await inside(scope => {
      const sql = new Proxy(scope.sql, {
        apply(target, self, given) {
          statements++
          return Reflect.apply(target, self, given)
        },
      })
      const held = ours.map(({ job }) => ({
        id: newId(),
        type: 'publish_job.held' as const,
        subjectId: job,
        data: {},
      }))
      return forgetFindings({ ...scope, sql }, held)
    })
    expect(statements).toBe(1)
    expect((await house.alice.api('GET', '/forecasts/latest')).body.jobs).toEqual([])
    await clear()
  })

  test('a changed or moved job is not known any more', async () => {
    const one = await plan('First words of a post', rehearsal, day)
    const other = await plan('Words of another kind of post', rehearsal, 2 * day)
    expect((await look()).jobs.length).toBe(2)
    await house.alice.api('PATCH', `/content/${one.content}`, { text: 'Other words' })
    await house.alice.api('PATCH', `/publish-jobs/${other.job}`, {
      at: new Date(Date.now() + 3 * day).toISOString(),
    })
    const latest: Forecast = (await house.alice.api('GET', '/forecasts/latest')).body
    expect(latest.jobs).toEqual([])
    expect(latest.counts).toEqual({ green: 0, amber: 0, red: 0 })
    await clear()
  })

  test('the pages show it: calendar, job, Today and the forecast itself', async () => {
    const good = await plan('Sunshine over the roastery', rehearsal, 3 * hour)
    const bad = await plan('x'.repeat(480), masto, 4 * hour)
    server.faults.next('GET /api/v2/instance', {
      is: 'status',
      status: 200,
      body: { version: '4.5.0', configuration: { statuses: { max_characters: 300 } } },
    })
    const slug = `/w/${house.alice.tenant.slug}`
    const pressed = await house.alice.page('POST', `${slug}/forecast`, {})
    expect(pressed.location).toBe(`${slug}/forecast`)
    const page = await house.alice.page('GET', `${slug}/forecast`)
    expect(page.html).toContain('Does not go out as it is')
    expect(page.html).toContain('Shorten the text by 180')
    const calendar = await house.alice.page('GET', `${slug}/calendar`)
    expect(calendar.html).toContain('Forecast: nothing in the way')
    expect(calendar.html).toContain('Forecast: does not go out as it is')
    expect((await house.alice.page('GET', `${slug}/publish-jobs/${bad.job}`)).html).toContain(
      'Shorten the text by 180',
    )
    expect((await house.alice.page('GET', `${slug}/publish-jobs/${good.job}`)).html).toContain(
      'Nothing in the way',
    )
    expect((await house.alice.page('GET', slug)).html).toContain('does not go out')
    // A reviewer sees it without the button.
    expect((await house.cora.page('GET', `${slug}/forecast`)).html).not.toContain('Look again now')
    expect((await house.cora.page('POST', `${slug}/forecast`, {})).status).toBe(403)
    await clear()
  })

  test('an account that is connected again is not known any more, nor is what it has planned', async () => {
    const { job } = await plan('Nobody answers at the moment', masto, 2 * day)
    const { job: elsewhere } = await plan('Somewhere else all is well', rehearsal, 4 * day)
    server.faults.next('GET /api/v1/accounts/verify_credentials', {
      is: 'status',
      status: 503,
      body: { error: 'x' },
    })
    expect(codes(await look(), job)).toEqual(['account_unreachable'])
    expect(await connect('mastodon', { instance: server.url, token })).toBe(masto)
    const latest: Forecast = (await house.alice.api('GET', '/forecasts/latest')).body
    expect(latest.jobs.map(({ jobId }) => jobId)).toEqual([elsewhere])
    await clear()
  })

  test('a token that the server refuses is red, and the account waits to be connected again', async () => {
    const { job } = await plan('Nobody lets us in', masto, 2 * day)
    server.faults.next('GET /api/v1/accounts/verify_credentials', {
      is: 'status',
      status: 503,
      body: { error: 'x' },
    })
    expect(of(await look(), job)).toMatchObject({
      level: 'amber',
      findings: [{ code: 'account_unreachable' }],
    })
    server.revoke(token)
    expect(of(await look(), job)).toMatchObject({
      level: 'red',
      findings: [{ code: 'reconnect_needed', path: `/accounts/${masto}` }],
    })
    expect((await house.alice.api('GET', `/accounts/${masto}`)).body.state).toBe('reconnect')
    await clear()
  })

  test('each night once, with one mail to who may schedule and wants mail', async () => {
    const worker = createWorker(house.services)
    const nightly = crontab(house.services, worker).find(
      ({ name }) => name === 'forecast the next seven days',
    )
    const night = async () => nightly?.run()
    const { job } = await plan('Still nobody lets us in', masto, 3 * day)
    const twin = await plan('Still nobody lets us in', masto, 4 * day)
    await inside(({ sql }) => sql`update users set by_mail = name = 'Alice' where removed_at is null`)
    await night()
    // The first visit only plans the coming night.
    const due = async () =>
      (
        await house.services.db.sql`
        select forecast_due_at as at from public.tenant_due where tenant_id = ${house.alice.tenant.id}`
      )[0]?.at as Date
    const first = await due()
    expect(
      first.toLocaleString('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: 'Europe/Berlin' }),
    ).toBe('05:00')
    expect(first.getTime() - Date.now()).toBeWithin(0, day + hour)
    const before = smtp.mails.length
    await house.shiftClock(first.getTime() - Date.now() + 60_000)
    await Promise.all([night(), night()])
    expect((await due()).getTime()).toBeGreaterThan(first.getTime() + 20 * hour)
    // Whoever found it due a moment ago finds it done.
    await forecastTenant(house.services, house.alice.tenant.id)
    const made = await inside<unknown[]>(
      ({ sql }) => sql`select id from events where type = 'forecast.made' and data @> '{"nightly": true}'`,
    )
    expect(made).toHaveLength(1)
    const forecast: Forecast = (await house.alice.api('GET', '/forecasts/latest')).body
    expect(of(forecast, job)?.level).toBe('red')
    const found = of(forecast, twin.job)?.findings as Finding[]
    expect(found.map(({ code }) => code)).toEqual(['reconnect_needed', 'near_duplicate'])
    worker.wake()
    await worker.idle()
    const mails = smtp.mails.slice(before).filter(({ text }) => text.includes('seven days'))
    expect(mails.map(({ to }) => to)).toEqual([[house.alice.email]])
    expect(mails[0]?.text).toContain('Still nobody lets us in')
    expect(mails[0]?.text).toContain(`/w/${house.alice.tenant.slug}/forecast`)
    const told = async (person: Person) =>
      (await person.api('GET', '/notifications?open=true')).body.items.filter(
        ({ kind }: { kind: string }) => kind === 'forecast',
      )
    expect((await told(house.bob)).length).toBe(1)
    expect((await told(house.ann)).length).toBe(0)
    // The same night again: nothing more. When all is well, what was told is over.
    await night()
    expect(smtp.mails.slice(before).filter(({ text }) => text.includes('seven days')).length).toBe(1)
    await clear()
    await look()
    expect((await told(house.bob)).length).toBe(0)
    await worker.stop(5_000)
    await house.shiftClock(0)
  })
})
