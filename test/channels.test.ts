/** Where and when people are told: by kind and channel, and not in their quiet hours. */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createWorker } from '../src/jobs/worker.ts'
import { newId } from '../src/lib/id.ts'
import { quietUntil } from '../src/notifications/quiet.ts'
import { type House, openHouse, type Person } from './cast.ts'
import { type Smtp, startSmtp } from './peers/index.ts'

setDefaultTimeout(60_000)

let house: House
let smtp: Smtp

beforeAll(async () => {
  smtp = await startSmtp()
  house = await openHouse({ SMTP_URL: smtp.url(), PUBLIC_URL: 'http://desk.example', RATE_LIMIT: 'off' })
})
afterAll(async () => {
  await house?.close()
  await smtp?.stop()
})
afterEach(async () => {
  await house.shiftClock(0)
  smtp.mails.length = 0
  const { schema } = house.alice.tenant
  await house.services.db.owner.unsafe(`delete from ${schema}.notifications`)
  await house.services.db.owner.unsafe(`delete from ${schema}.deliveries`)
  await house.services.db.owner.unsafe(
    `update ${schema}.users set channels = '{}', quiet_from = null, quiet_until = null, by_mail = true`,
  )
})

async function work(): Promise<void> {
  const worker = createWorker(house.services)
  await worker.idle()
  await worker.stop(5_000)
}
/** Puts the database's clock at this moment. */
const clockTo = (at: string) => house.shiftClock(Date.parse(at) - Date.now())
const mailsTo = (person: Person) =>
  smtp.mails.filter(({ to }) => to.includes(person.email)).map(({ headers }) => subjectOf(headers))
const subjectOf = (headers: readonly (readonly [string, string])[]) =>
  headers.find(([name]) => name === 'subject')?.[1] ?? ''
const open = async (person: Person): Promise<string[]> =>
  (await person.api('GET', '/notifications?open=true')).body.items.map(({ kind }: { kind: string }) => kind)
async function submitted(text: string): Promise<string> {
  const { id } = (await house.ann.api('POST', '/content', { text })).body
  expect((await house.ann.api('POST', `/content/${id}/submission`)).status).toBe(201)
  return id
}
async function failed(text: string): Promise<void> {
  const account = (
    await house.alice.api('POST', '/accounts', { platform: 'rehearsal', settings: { answer: 'rejected' } })
  ).body.id
  const { id } = (await house.bob.api('POST', '/content', { text })).body
  await house.bob.api('POST', `/content/${id}/publish-jobs`, { accounts: [account], now: true })
}

describe('quiet hours', () => {
  test.each([
    ['over midnight, in the evening', '2026-11-21T22:30:00Z', '22:00', '07:00', '2026-11-22T06:00:00Z'],
    ['over midnight, in the morning', '2026-11-22T05:59:59Z', '22:00', '07:00', '2026-11-22T06:00:00Z'],
    ['over midnight, at their end', '2026-11-22T06:00:00Z', '22:00', '07:00', null],
    ['over midnight, by day', '2026-11-22T12:00:00Z', '22:00', '07:00', null],
    ['within a day', '2026-11-22T12:00:00Z', '12:00', '14:00', '2026-11-22T13:00:00Z'],
    ['before they begin', '2026-11-22T10:59:59Z', '12:00', '14:00', null],
    [
      'an end that the day skips comes an hour later',
      '2027-03-28T00:00:00Z',
      '22:00',
      '02:30',
      '2027-03-28T01:30:00Z',
    ],
    ['an end that comes twice: the first', '2026-10-24T23:30:00Z', '22:00', '02:30', '2026-10-25T00:30:00Z'],
    ['its second pass is over already', '2026-10-25T01:10:00Z', '22:00', '02:30', null],
  ])('%s', (_, now, from, until, end) => {
    expect(quietUntil(new Date(now), { from, until, zone: 'Europe/Berlin' })?.toISOString() ?? null).toBe(
      end && new Date(end).toISOString(),
    )
  })

  test('hold a mail back until they end, in the person’s own zone; others have theirs at once', async () => {
    await clockTo('2026-11-28T03:00:00Z')
    const quiet = { from: '22:00', until: '07:00', zone: 'America/New_York' }
    expect((await house.cora.api('PATCH', '/me/channels', { quiet })).status).toBe(200)
    await submitted('Please read')
    await work()
    expect(mailsTo(house.bob)).toHaveLength(1)
    expect(mailsTo(house.cora)).toEqual([])
    expect(await open(house.cora)).toEqual(['review'])
    await clockTo('2026-11-28T11:59:00Z')
    await work()
    expect(mailsTo(house.cora)).toEqual([])
    await clockTo('2026-11-28T12:00:05Z')
    await work()
    expect(mailsTo(house.cora)).toEqual([expect.stringContaining('asks for your approval')])
  })

  test('what was answered meanwhile is not mailed at their end', async () => {
    await clockTo('2026-11-28T03:00:00Z')
    await house.cora.api('PATCH', '/me/channels', { quiet: { from: '00:00', until: '09:00', zone: 'UTC' } })
    const id = await submitted('Answered')
    await house.bob.api('POST', `/content/${id}/approval`, {})
    await clockTo('2026-11-28T09:01:00Z')
    await work()
    expect(mailsTo(house.cora)).toEqual([])
  })

  test('let urgent mails through, or not, as the person says', async () => {
    await clockTo('2026-11-28T03:00:00Z')
    const quiet = { from: '00:00', until: '09:00', zone: 'UTC' }
    await house.alice.api('PATCH', '/me/channels', { quiet: { ...quiet, urgent: true } })
    await house.bob.api('PATCH', '/me/channels', { quiet: { ...quiet, urgent: false } })
    await failed('Refused')
    await work()
    await work()
    expect(mailsTo(house.alice)).toEqual([expect.stringContaining('did not go out')])
    expect(mailsTo(house.bob)).toEqual([])
    await clockTo('2026-11-28T09:01:00Z')
    await work()
    expect(mailsTo(house.bob)).toEqual([expect.stringContaining('did not go out')])
  })

  test('taken away, let go at once what waits for their end', async () => {
    await clockTo('2026-11-28T03:00:00Z')
    await house.cora.api('PATCH', '/me/channels', { quiet: { from: '00:00', until: '09:00', zone: 'UTC' } })
    await submitted('Waits')
    await work()
    expect(mailsTo(house.cora)).toEqual([])
    await house.cora.api('PATCH', '/me/channels', { quiet: null })
    await work()
    expect(mailsTo(house.cora)).toHaveLength(1)
  })

  test.each([
    [{ from: '22:00', until: '22:00', zone: 'UTC' }, 'invalid'],
    [{ from: '22:00', until: '25:00', zone: 'UTC' }, 'invalid'],
    [{ from: '22:00', until: '07:00', zone: 'Nowhere/Town' }, 'unknown_zone'],
    [{ from: '22:00', until: '07:00' }, 'invalid'],
  ])('%j are refused in words', async (quiet, code) => {
    const { status, body } = await house.cora.api('PATCH', '/me/channels', { quiet })
    expect({ status, code: body.code }).toEqual({ status: 422, code })
  })
})

describe('many at one moment', () => {
  test('are mailed once each, and who is removed meanwhile gets none of what waited', async () => {
    await clockTo('2026-11-28T03:00:00Z')
    const { alice } = house
    const { schema } = alice.tenant
    const gone = newId()
    await house.services.db.owner.unsafe(
      `insert into ${schema}.users (id, name, email, role, password_hash, quiet_from, quiet_until, quiet_zone, quiet_urgent)
       select '${gone}', 'Gone', 'gone@northwind.example', 'editor', password_hash, '00:00', '09:00', 'UTC', false
       from ${schema}.users where id = '${house.bob.id}'`,
    )
    const ids = await Promise.all(Array.from({ length: 120 }, (_, at) => submitted(`Storm ${at}`)))
    expect(ids).toHaveLength(120)
    await work()
    for (const person of [house.bob, house.cora]) {
      expect(mailsTo(person)).toHaveLength(120)
      expect(new Set(mailsTo(person)).size).toBe(120)
    }
    expect(smtp.mails.filter(({ to }) => to.includes('gone@northwind.example'))).toHaveLength(0)
    expect((await alice.api('DELETE', `/users/${gone}`)).status).toBe(204)
    smtp.mails.length = 0
    await submitted('After')
    await clockTo('2026-11-28T09:01:00Z')
    await work()
    expect(smtp.mails.filter(({ to }) => to.includes('gone@northwind.example'))).toEqual([])
  })
})

describe('channels', () => {
  test('a kind is told where the person chose, and what went wrong always on the desk', async () => {
    const before = (await house.bob.api('GET', '/me/channels')).body
    expect(before.mail).not.toContain('comment')
    expect(before.app).toContain('failed')
    await house.bob.api('PATCH', '/me/channels', { app: [], mail: ['review', 'comment'] })
    await submitted('By mail only')
    await failed('On the desk only')
    await work()
    await work()
    expect(await open(house.bob)).toEqual(['failed'])
    expect((await house.bob.page('GET', '/w/northwind/notifications')).html).not.toContain('By mail only')
    expect(mailsTo(house.bob)).toEqual([expect.stringContaining('asks for your approval')])
    // Everybody else is told as before.
    expect(await open(house.cora)).toEqual(['review'])
    expect((await house.bob.api('GET', '/me/channels')).body).toMatchObject({
      app: ['failed', 'unconfirmed', 'reconnect', 'different', 'webhook', 'brake', 'forecast'],
      mail: ['review', 'comment'],
      quiet: null,
    })
  })

  test('a comment is mailed to who wants that, and what is wanted nowhere is told nowhere', async () => {
    const { id } = (await house.bob.api('POST', '/content', { text: 'Talked about' })).body
    await house.bob.api('PATCH', '/me/channels', { mail: ['comment'] })
    await house.cora.api('POST', `/content/${id}/comments`, { text: 'More green!' })
    await work()
    expect(mailsTo(house.bob)).toEqual([expect.stringContaining('More green!')])
    await house.bob.api('POST', '/notifications/done')
    await house.bob.api('PATCH', '/me/channels', { mail: [], app: [] })
    await house.cora.api('POST', `/content/${id}/comments`, { text: 'And blue!' })
    await work()
    expect(mailsTo(house.bob)).toHaveLength(1)
    expect(await open(house.bob)).toEqual([])
  })

  test('who is told by mail only, and has switched mails off, is told on the desk', async () => {
    await house.bob.api('PATCH', '/me/channels', { app: [] })
    await house.bob.api('PATCH', '/me/mail', { notifications: false })
    await submitted('Not lost')
    expect(await open(house.bob)).toEqual(['review'])
  })

  test('the page says and changes the same', async () => {
    const here = '/w/northwind/settings/notifications'
    const form = { mail: ['failed', 'review'], app: 'review', zone: 'Europe/Berlin', urgent: 'on' }
    expect((await house.cora.page('POST', here, { ...form, from: '22:00', until: '07:00' })).status).toBe(303)
    expect((await house.cora.api('GET', '/me/channels')).body).toMatchObject({
      mail: ['failed', 'review'],
      quiet: { from: '22:00', until: '07:00', zone: 'Europe/Berlin', urgent: true },
    })
    const { html } = await house.cora.page('GET', here)
    expect(html).toContain('value="22:00"')
    const half = await house.cora.page('POST', here, { ...form, from: '22:00', until: '' })
    expect(half.status).toBe(422)
    expect(half.html).toContain('give both times, or none')
    expect((await house.cora.page('POST', here, { ...form, from: '', until: '' })).status).toBe(303)
    expect((await house.cora.api('GET', '/me/channels')).body.quiet).toBeNull()
  })
})
