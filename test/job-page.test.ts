import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { claimJobs } from '../src/jobs/claim.ts'
import { recordOutcome } from '../src/jobs/record.ts'
import { createWorker, type Worker } from '../src/jobs/worker.ts'
import type { Outcome } from '../src/platforms/platform.ts'
import { type House, openHouse, type Person } from './cast.ts'

let house: House
let worker: Worker
let clock = 0
beforeAll(async () => {
  house = await openHouse()
  worker = createWorker(house.services)
})
afterAll(async () => {
  await worker.stop(5_000)
  await house.close()
})

const rehearsal = async (settings: object = {}) =>
  (await house.alice.api('POST', '/accounts', { platform: 'rehearsal', settings })).body.id as string
const feed = async (person: Person) =>
  (await person.api('GET', '/accounts')).body.items.find((a: { platform: string }) => a.platform === 'feed')
    .id as string
const shift = async (ms: number) => {
  clock += ms
  await house.shiftClock(clock)
}

async function plan(text: string, account: string, when: object = later(), person = house.bob) {
  const { body } = await person.api('POST', '/content', { text })
  const made = await person.api('POST', `/content/${body.id}/publish-jobs`, { accounts: [account], ...when })
  expect(made.status).toBe(201)
  return made.body.items[0].id as string
}
const later = (hours = 2) => ({ at: new Date(Date.now() + clock + hours * 3_600_000).toISOString() })

/** What the worker writes when an attempt ends in a certain way. */
async function endAs(outcome: Outcome) {
  const actor = { tenantId: house.bob.tenant.id, userId: null, role: 'system' } as const
  await house.services.db.within(actor, async scope => {
    const {
      jobs: [job],
    } = await claimJobs(scope, 'test', 1)
    if (!job) throw new Error('nothing is due')
    expect(await recordOutcome(scope, job, outcome)).toBe(true)
  })
}
const why = {
  code: 'no_answer',
  message: 'The network stopped answering.',
  next: 'Look at the profile, then tell us.',
  raw: { answer: 'Bad <Gateway>' },
}
async function unconfirmed(text: string) {
  const id = await plan(text, await rehearsal(), { now: true })
  await endAs({ is: 'unconfirmed', why })
  return id
}
const at = (id: string, more = '') => `/w/northwind/publish-jobs/${id}${more}`
const state = async (id: string) => (await house.bob.api('GET', `/publish-jobs/${id}`)).body.state

describe('a job’s page', () => {
  test('shows what goes out, when, where, and what can be done about it', async () => {
    const id = await plan('Autumn <b>roast</b> is back', await rehearsal())
    const { html, status } = await house.bob.page('GET', at(id))
    expect(status).toBe(200)
    expect(html).toContain('Autumn &lt;b&gt;roast&lt;/b&gt; is back')
    expect(html).toContain('Scheduled: in 1 h')
    expect(html).toContain('Europe/Berlin')
    for (const action of ['time', 'now', 'cancellation'])
      expect(html).toContain(`action="${at(id, `/${action}`)}"`)
  })

  test('authors and reviewers look, but are offered no buttons', async () => {
    const id = await plan('Look only', await rehearsal())
    for (const person of [house.ann, house.cora]) {
      const { html, status } = await person.page('GET', at(id))
      expect(status).toBe(200)
      expect(html).not.toContain(`action="${at(id, '/')}`)
    }
  })

  test('each state says what it is, in words and with its next step', async () => {
    const rejecting = await rehearsal({ answer: 'rejected' })
    const failed = await plan('Will be refused', rejecting, { now: true })
    const good = await plan('Goes out', await feed(house.bob), { now: true })
    await worker.idle()
    const refused = await house.bob.page('GET', at(failed))
    expect(refused.html).toContain('The rehearsal network refused this post')
    expect(refused.html).toContain('Change the answer')
    expect(refused.html).toContain('Try again')
    expect(refused.html).toContain('Refused')
    const out = await house.bob.page('GET', at(good))
    expect(out.html).toContain('Published, on time')
    expect(out.html).toContain('See it on the feed')
    expect(out.html).not.toContain('id="move"')
    const unsure = await house.bob.page('GET', at(await unconfirmed('Did it?')))
    expect(unsure.html).toContain('Did this go out?')
    expect(unsure.html).toContain('The network stopped answering.')
    // The network's own words, folded away and escaped.
    expect(unsure.html).toContain('The answer as it came')
    expect(unsure.html).toContain('Bad &lt;Gateway&gt;')
  })

  test('the same post on other accounts is one click away', async () => {
    const { body } = await house.bob.api('POST', '/content', { text: 'Two places' })
    const accounts = [await rehearsal(), await feed(house.bob)]
    const made = await house.bob.api('POST', `/content/${body.id}/publish-jobs`, { accounts, ...later() })
    const [one, two] = made.body.items
    expect((await house.bob.page('GET', at(one.id))).html).toContain(at(two.id))
    await house.bob.api('DELETE', `/publish-jobs/${two.id}`)
    const { html } = await house.bob.page('GET', at(one.id))
    expect(html.slice(html.indexOf(at(two.id)))).toContain('Cancelled</span>')
  })
})

describe('following a job', () => {
  test('the page asks again by itself until the job has ended, and hears nothing while nothing is new', async () => {
    const id = await plan('Follow me', await feed(house.bob), {
      at: new Date(Date.now() + clock + 300_000).toISOString(),
    })
    const first = await house.bob.page('GET', at(id))
    const poll = /hx-get="([^"]+\/status\?seen=\w+)" hx-trigger="every 1s"/.exec(first.html)?.[1] ?? ''
    expect(poll).not.toBe('')
    expect((await house.bob.page('GET', poll)).status).toBe(204)
    await shift(120_000)
    const changed = await house.bob.page('GET', poll)
    expect(changed.status).toBe(200)
    expect(changed.html).toMatch(/Scheduled: in [23] min/)
    expect(changed.html).not.toContain('<html')
    await house.bob.page('POST', at(id, '/now'), {})
    await worker.idle()
    const ended = await house.bob.page('GET', poll)
    expect(ended.html).toContain('Published')
    expect(ended.html).not.toContain('hx-trigger')
    expect(ended.html).toContain('hx-target="#move"')
  })

  test('a job far ahead is asked about less often', async () => {
    const { html } = await house.bob.page('GET', at(await plan('Far ahead', await rehearsal(), later(200))))
    expect(html).toContain('hx-trigger="every 5s"')
  })
})

describe('moving', () => {
  test('to another wall time and zone', async () => {
    const id = await plan('Moves', await rehearsal())
    const moved = await house.bob.page('POST', at(id, '/time'), {
      local: '2031-05-01T18:30',
      zone: 'America/New_York',
    })
    expect([moved.status, moved.location]).toEqual([303, at(id)])
    const { body } = await house.bob.api('GET', `/publish-jobs/${id}`)
    expect(body).toMatchObject({ local: '2031-05-01T18:30', zone: 'America/New_York' })
    // Its own zone and the workspace's stand side by side.
    const { html } = await house.bob.page('GET', at(id))
    expect(html).toContain('18:30')
    expect(html).toContain('00:30')
  })

  test('a refused time comes back in the form, with the reason', async () => {
    const id = await plan('Stays', await rehearsal())
    const send = (local: string, zone = 'Europe/Berlin', fold?: string) =>
      house.bob.page('POST', at(id, '/time'), { local, zone, ...(fold ? { fold } : {}) })
    const past = await send('2020-01-01T09:00')
    expect(past.status).toBe(422)
    expect(past.html).toContain('has passed')
    expect(past.html).toContain('value="2020-01-01T09:00"')
    const skipped = await send('2031-03-30T02:30')
    expect(skipped.status).toBe(422)
    expect(skipped.html).toContain('does not exist')
    expect(skipped.html).toContain('03:30')
    expect((await send('tomorrow')).status).toBe(422)
    expect((await send('2031-03-30T09:00', 'Mars/Olympus')).html).toContain('is not a time zone')
    expect((await house.bob.api('GET', `/publish-jobs/${id}`)).body.local).not.toContain('2031')
  })

  test('a doubled hour is asked about, then taken', async () => {
    const id = await plan('Twice', await rehearsal())
    const asked = await house.bob.page('POST', at(id, '/time'), {
      local: '2031-10-26T02:30',
      zone: 'Europe/Berlin',
    })
    expect(asked.status).toBe(422)
    expect(asked.html).toContain('value="second"')
    const taken = await house.bob.page('POST', at(id, '/time'), {
      local: '2031-10-26T02:30',
      zone: 'Europe/Berlin',
      fold: 'second',
    })
    expect(taken.status).toBe(303)
    expect((await house.bob.api('GET', `/publish-jobs/${id}`)).body.runAt).toBe('2031-10-26T02:30:00+01:00')
  })
})

describe('answers', () => {
  test('publish now, cancel, and no more than that once it has ended', async () => {
    const soon = await plan('At once', await feed(house.bob))
    expect((await house.bob.page('POST', at(soon, '/now'), {})).status).toBe(303)
    await worker.idle()
    expect(await state(soon)).toBe('published')
    const refused = await house.bob.page('POST', at(soon, '/cancellation'), {})
    expect(refused.status).toBe(422)
    expect(refused.html).toContain('It is published, so it cannot be cancelled.')
    const gone = await plan('Not any more', await rehearsal())
    await house.bob.page('POST', at(gone, '/cancellation'), {})
    expect(await state(gone)).toBe('cancelled')
  })

  test('an unconfirmed job: it is there, with its address', async () => {
    const id = await unconfirmed('It is there')
    const wrong = await house.bob.page('POST', at(id, '/resolution'), {
      as: 'published',
      remoteUrl: 'javascript:alert(1)',
    })
    expect(wrong.status).toBe(422)
    expect(wrong.html).toContain('Not noted: its address must be a link, beginning with https://.')
    // No profile is known where one could look: the account's own page is the way.
    expect(wrong.html).toMatch(
      /href="\/w\/northwind\/accounts\/[\w-]+" class="btn[^>]*>(?:(?!<\/a>).)*Look at the account/s,
    )
    const done = await house.bob.page('POST', at(id, '/resolution'), {
      as: 'published',
      remoteUrl: 'https://social.example/@northwind/1',
    })
    expect(done.status).toBe(303)
    const { html } = await house.bob.page('GET', at(id))
    expect(html).toContain('href="https://social.example/@northwind/1"')
    // Nobody saw it go out: the page and the receipt tell of no such moment.
    const { html: receipt } = await house.bob.page('GET', at(id, '/receipt'))
    expect(html).toContain('Published: somebody found it there')
    for (const told of [html, receipt]) {
      expect(told).toContain('Found there')
      expect(told).not.toContain('Went out')
    }
    expect(receipt).toContain('by Bob; when exactly it went out, nobody saw')
  })

  test('an unconfirmed job: send again, or give up; from Today it leads back there', async () => {
    const again = await unconfirmed('Send again')
    const today = await house.bob.page('GET', '/w/northwind')
    expect(today.html).toContain(`action="${at(again, '/resolution')}"`)
    const back = await house.bob.page('POST', at(again, '/resolution'), { as: 'retry', _back: '' })
    expect(back.location).toBe('/w/northwind')
    await worker.idle()
    expect(await state(again)).toBe('published')
    const given = await unconfirmed('Give up')
    const elsewhere = await house.bob.page('POST', at(given, '/resolution'), {
      as: 'abandon',
      _back: '//evil.example',
    })
    expect(elsewhere.location).toBe(at(given))
    expect(await state(given)).toBe('failed')
  })
})

describe('who may', () => {
  test('only owners, admins and editors change a job; an outsider meets nothing', async () => {
    const id = await plan('Guarded', await rehearsal())
    const forms: [string, Record<string, string>][] = [
      ['/time', { local: '2031-05-01T18:30', zone: 'Europe/Berlin' }],
      ['/now', {}],
      ['/cancellation', {}],
      ['/resolution', { as: 'retry' }],
    ]
    for (const [path, form] of forms) {
      for (const person of [house.ann, house.cora])
        expect((await person.page('POST', at(id, path), form)).status).toBe(403)
      expect((await house.dan.page('POST', `/w/southpaw/publish-jobs/${id}${path}`, form)).status).toBe(404)
      expect((await house.dan.page('POST', at(id, path), form)).status).not.toBe(303)
    }
    for (const path of [
      `/w/southpaw/publish-jobs/${id}`,
      `/w/southpaw/publish-jobs/${id}/status`,
      '/w/southpaw/publish-jobs/nonsense',
    ])
      expect((await house.dan.page('GET', path)).status).toBe(404)
    expect((await house.dan.page('GET', '/w/southpaw/publish-jobs')).html).not.toContain(id)
    expect(await state(id)).toBe('scheduled')
  })
})

describe('the list of jobs', () => {
  test('by state, with pages that lead on', async () => {
    const { html } = await house.bob.page('GET', '/w/northwind/publish-jobs?state=cancelled')
    expect(html).toContain('Not any more')
    expect(html).not.toContain('Far ahead')
    expect((await house.dan.page('GET', '/w/southpaw/publish-jobs')).html).toContain('Nothing is planned yet')
    expect((await house.bob.page('GET', '/w/northwind/publish-jobs?state=nonsense')).status).toBe(200)
    expect((await house.bob.page('GET', '/w/northwind/publish-jobs?after=nonsense')).status).toBe(400)
    const { body } = await house.dan.api('POST', '/content', { text: 'Many' })
    const account = await feed(house.dan)
    await house.services.db.within(
      { tenantId: house.dan.tenant.id, userId: null, role: 'system' },
      scope =>
        // Rows of an ended state, because 60 jobs through the door are 60 pieces of content.
        scope.sql`
        insert into publish_jobs (id, content_id, version_id, account_id, state, run_at, local, zone)
        select gen_random_uuid(), c.id, c.version_id, ${account}, 'cancelled',
          timestamptz '2026-06-01T12:00:00.123456Z' + n / 2 * interval '1 minute', '2026-06-01T08:00', 'America/New_York'
        from content c, generate_series(1, 60) n where c.id = ${body.id}`,
    )
    const seen = new Set<string>()
    let path = '/w/southpaw/publish-jobs'
    for (let pages = 0; path && pages < 5; pages += 1) {
      const page = await house.dan.page('GET', path)
      for (const [, id] of page.html.matchAll(/href="\/w\/southpaw\/publish-jobs\/([0-9a-f-]{36})"/g))
        seen.add(id ?? '')
      path = (/href="([^"]+)"[^>]*rel="next"/.exec(page.html)?.[1] ?? '').replaceAll('&amp;', '&')
    }
    expect(seen.size).toBe(60)
  })
})
