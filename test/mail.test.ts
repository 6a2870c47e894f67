/** Mails from their cause to the server: what is written down, what goes out, what is said when it does not. */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'
import { sweepTenant } from '../src/jobs/sweep.ts'
import { createWorker } from '../src/jobs/worker.ts'
import { type House, openHouse } from './cast.ts'
import { type ReceivedMail, type Smtp, startSmtp } from './peers/index.ts'

setDefaultTimeout(60_000)

let house: House
let smtp: Smtp
let shift = 0
const publicUrl = 'http://desk.northwind.example'

beforeAll(async () => {
  smtp = await startSmtp()
  house = await openHouse({ SMTP_URL: smtp.url(), PUBLIC_URL: publicUrl, RATE_LIMIT: 'off' })
})
afterAll(async () => {
  await house?.close()
  await smtp?.stop()
})
afterEach(async () => {
  shift = 0
  await house.shiftClock(0)
  smtp.calm()
  smtp.mails.length = 0
  smtp.commands.length = 0
  await house.services.db.owner.unsafe(`delete from ${house.alice.tenant.schema}.deliveries`)
})

/** Everything that is due is done, by a worker that begins and ends here. */
async function work(services = house.services): Promise<void> {
  const worker = createWorker(services)
  await worker.idle()
  await worker.stop(5_000)
}
async function later(seconds: number): Promise<void> {
  shift += seconds * 1000
  await house.shiftClock(shift)
  await work()
}
const outbox = async (person = house.alice) => (await person.api('GET', '/deliveries')).body.items
const rows = () =>
  house.services.db.owner.unsafe(
    `select state, tries, sealed, body, answer from ${house.alice.tenant.schema}.deliveries order by id`,
  )
let guests = 0
async function invite(): Promise<{ id: string; email: string; link: string }> {
  const email = `mailed${guests++}@northwind.example`
  const made = await house.alice.api('POST', '/invitations', { email, role: 'author' })
  expect(made.status).toBe(201)
  return made.body
}
const headerOf = (mail: ReceivedMail | undefined, wanted: string) =>
  mail?.headers.find(([name]) => name === wanted)?.[1] ?? ''
const linkIn = (mail: ReceivedMail | undefined) =>
  /https?:\/\/\S+\/(?:join|reset)\/\S+/.exec(mail?.text ?? '')?.[0] ?? ''
const pathOf = (link: string) => new URL(link).pathname

describe('an invitation', () => {
  test('goes out with the link that the page shows too, and the link works', async () => {
    const page = await house.alice.page('POST', '/w/northwind/people/invitations', {
      email: 'gustav@northwind.example',
      role: 'editor',
    })
    expect(page.status).toBe(200)
    expect(page.html).toContain('on its way by mail')
    const shown = /value="(http[^"]*\/join\/[^"]*)"/.exec(page.html)?.[1] ?? ''
    expect(smtp.mails).toHaveLength(0)
    await work()
    const [mail] = smtp.mails
    expect(mail?.to).toEqual(['gustav@northwind.example'])
    expect(headerOf(mail, 'from')).toBe('Northwind Coffee <masthead@desk.northwind.example>')
    expect(headerOf(mail, 'subject')).toBe('Alice invites you to Northwind Coffee')
    expect(mail?.text).toContain('as an editor')
    expect(linkIn(mail)).toBe(shown)
    expect(mail?.html).toContain(`href="${shown}"`)
    const people = await house.alice.page('GET', '/w/northwind/people')
    expect(people.html).toContain('mailed')
    const joined = await house.anyone('POST', pathOf(linkIn(mail)), {
      name: 'Gustav',
      password: 'four plain words do',
    })
    expect(joined.status).toBe(303)
  })

  test('is written in the transaction of its cause: what is refused posts nothing', async () => {
    const taken = await house.alice.api('POST', '/invitations', { email: house.bob.email, role: 'author' })
    expect(taken.status).toBe(409)
    expect(await rows()).toHaveLength(0)
    const key = { 'idempotency-key': 'one-mail' }
    const body = { email: 'once@northwind.example', role: 'author' }
    for (let n = 0; n < 2; n++)
      expect((await house.alice.api('POST', '/invitations', body, key)).status).toBe(201)
    await work()
    expect(smtp.mails).toHaveLength(1)
  })

  test('is sealed while it waits, and gone once it is sent', async () => {
    const { link } = await invite()
    const token = link.split('/').at(-1) as string
    const [waiting] = await rows()
    expect(waiting?.sealed).not.toBeNull()
    expect(JSON.stringify(waiting)).not.toContain(token)
    expect(Buffer.from(waiting?.sealed as Uint8Array).toString('latin1')).not.toContain(token)
    await work()
    expect(await rows()).toMatchObject([{ state: 'delivered', sealed: null, tries: 1 }])
    expect(JSON.stringify(await outbox())).not.toContain(token)
  })

  test('taken back before it went, it does not go', async () => {
    smtp.refuse('RCPT', { code: 451, words: 'Later' })
    const { id } = await invite()
    await work()
    expect((await house.alice.api('DELETE', `/invitations/${id}`)).status).toBe(204)
    await later(60)
    expect(smtp.mails).toHaveLength(0)
    expect(await rows()).toHaveLength(0)
  })
})

describe('a server that does not take it', () => {
  test('for now: it is tried again with the same Message-ID, and the outbox says so meanwhile', async () => {
    smtp.refuse('DATA', { code: 451, words: '4.7.1 Greylisted' })
    const { email } = await invite()
    await work()
    const [waiting] = await outbox()
    expect(waiting).toMatchObject({
      kind: 'mail',
      purpose: 'invitation',
      to: email,
      state: 'waiting',
      tries: 1,
    })
    expect(waiting.answer).toContain('4.7.1 Greylisted')
    expect(Date.parse(waiting.nextTryAt)).toBeGreaterThan(Date.now() + shift)
    const page = await house.alice.page('GET', '/w/northwind/settings/mail')
    for (const words of ['Waiting', email, 'Greylisted', 'next try']) expect(page.html).toContain(words)
    await later(31)
    expect(smtp.mails).toHaveLength(1)
    expect(headerOf(smtp.mails[0], 'message-id')).toBe(`<${waiting.id}@desk.northwind.example>`)
    expect((await outbox())[0]).toMatchObject({ state: 'delivered', tries: 2, nextTryAt: null })
  })

  test('for good: it is not tried again, and shown where people look', async () => {
    smtp.refuse('RCPT', { code: 550, words: '5.1.1 No such person here' })
    await invite()
    await work()
    expect((await outbox())[0]).toMatchObject({
      state: 'failed',
      answer: expect.stringContaining('5.1.1 No such person here'),
    })
    await later(100_000)
    expect(smtp.commands.filter(one => one === 'RCPT')).toHaveLength(1)
    const { html } = await house.alice.page('GET', '/w/northwind/settings/mail?state=failed')
    expect(html).toContain('No such person here')
    expect((await house.alice.page('GET', '/w/northwind/settings')).html).toContain('1 not sent')
    expect((await house.alice.page('GET', '/w/northwind/people')).html).toContain('the mail was refused')
    expect((await rows())[0]?.sealed).toBeNull()
  })

  test('ten times: it is given up, two days later', async () => {
    smtp.refuse('MAIL', { code: 451, words: 'Not today' }, 100)
    await invite()
    const began = shift
    await work()
    for (let round = 0; round < 40 && (await outbox())[0]?.state === 'waiting'; round++) await later(3 * 3600)
    expect((await outbox())[0]).toMatchObject({ state: 'failed', tries: 10 })
    expect((await outbox())[0].answer).toContain('Given up after 10 tries')
    expect(smtp.commands.filter(one => one === 'MAIL')).toHaveLength(10)
    expect(shift - began).toBeGreaterThan(40 * 3_600_000)
  })
})

describe('a worker that dies', () => {
  test('between the server’s word and ours: the mail comes once more, the same one, and is never lost', async () => {
    const fresh = await startSmtp()
    try {
      const { id } = await invite()
      const [row] = await house.services.db.owner`select current_database() as name`
      const child = Bun.spawn([process.execPath, join(import.meta.dir, 'crash-child.ts')], {
        env: {
          ...process.env,
          CRASH_DATABASE: row?.name as string,
          CRASH_AT: 'mail-sent',
          DATA_DIR: house.services.config.dataDir,
          SMTP_URL: fresh.url(),
        },
        stdin: 'pipe',
        stdout: 'ignore',
        stderr: 'inherit',
      })
      child.stdin.write('go\n')
      await child.stdin.end()
      await child.exited
      expect(child.signalCode).toBe('SIGKILL')
      expect(fresh.mails).toHaveLength(1)
      expect((await outbox())[0]).toMatchObject({ state: 'sending', tries: 1 })
      await work()
      expect(smtp.mails).toHaveLength(0)
      await later(91)
      expect(smtp.mails).toHaveLength(1)
      const local = (mail: ReceivedMail | undefined) => headerOf(mail, 'message-id').split('@')[0]
      expect(local(smtp.mails[0])).toBe(local(fresh.mails[0]))
      expect((await outbox())[0]).toMatchObject({ state: 'delivered', tries: 2 })
      await later(100_000)
      expect(smtp.mails).toHaveLength(1)
      expect(id).toBeString()
    } finally {
      await fresh.stop()
    }
  })

  test('who took too long may not record over the one that took over', async () => {
    smtp.refuse('DATA', 'hang')
    await invite()
    const slow = createWorker(house.services)
    slow.wake()
    await until(async () => (await rows())[0]?.state === 'sending')
    shift += 91_000
    await house.shiftClock(shift)
    await work()
    expect((await outbox())[0]).toMatchObject({ state: 'delivered', tries: 2 })
    smtp.hangUp()
    await slow.idle()
    await slow.stop(5_000)
    expect((await outbox())[0]).toMatchObject({ state: 'delivered', tries: 2 })
  })
})

describe('beside the posts', () => {
  test('twenty mails over two workers go out once each', async () => {
    for (let n = 0; n < 20; n++) await invite()
    await Promise.all([work(), work()])
    expect(smtp.mails).toHaveLength(20)
    expect(new Set(smtp.mails.map(mail => headerOf(mail, 'message-id'))).size).toBe(20)
  })

  test('a mail server that hangs delays no post', async () => {
    smtp.refuse('MAIL', 'hang', 20)
    for (let n = 0; n < 20; n++) await invite()
    const worker = createWorker(house.services)
    worker.wake()
    await until(async () => smtp.commands.length >= 4)
    const { body: made } = await house.alice.api('POST', '/content', { text: 'on time' })
    const feed = (await house.alice.api('GET', '/accounts')).body.items.find(
      (account: { platform: string }) => account.platform === 'feed',
    ).id
    const job = await house.alice.api('POST', `/content/${made.id}/publish-jobs`, {
      accounts: [feed],
      now: true,
    })
    const started = performance.now()
    worker.wake()
    const id = job.body.items[0].id
    await until(async () => (await house.alice.api('GET', `/publish-jobs/${id}`)).body.state === 'published')
    expect(performance.now() - started).toBeLessThan(5_000)
    smtp.hangUp()
    await worker.idle()
    await worker.stop(5_000)
  })

  test('with the setting taken away, what waits ends and says why', async () => {
    await invite()
    await work({ ...house.services, mailer: null })
    expect((await outbox())[0]).toMatchObject({
      state: 'failed',
      answer: expect.stringContaining('not set up any more'),
    })
  })

  test('under another secret it is not sent, and says why', async () => {
    await invite()
    await house.services.db.owner.unsafe(
      `update ${house.alice.tenant.schema}.deliveries set sealed = set_byte(sealed, 40, (get_byte(sealed, 40) + 1) % 256)`,
    )
    await work()
    expect(smtp.mails).toHaveLength(0)
    expect((await outbox())[0]).toMatchObject({
      state: 'failed',
      answer: expect.stringContaining('MASTHEAD_SECRET'),
    })
  })

  test('after thirty days the outbox forgets', async () => {
    await invite()
    await work()
    shift += 31 * 86_400_000
    await house.shiftClock(shift)
    await sweepTenant(house.services, house.alice.tenant.id)
    expect(await rows()).toHaveLength(0)
  })
})

describe('a new password', () => {
  const ask = (email: string, workspace = '', headers: Record<string, string> = {}) =>
    house.anyone('POST', '/reset', { email, workspace }, headers)

  test('is offered at the sign-in, and the mailed link lets in once', async () => {
    expect((await house.anyone('GET', '/sign-in')).html).toContain('href="/reset"')
    expect((await ask(' BOB@northwind.example ')).status).toBe(200)
    await work()
    const [mail] = smtp.mails
    expect(mail?.to).toEqual([house.bob.email])
    expect(headerOf(mail, 'subject')).toBe('A new password for Northwind Coffee')
    const path = pathOf(linkIn(mail))
    expect((await house.anyone('GET', path)).html).toContain('A new password')
    expect((await house.anyone('POST', path, { password: 'a new chair at the desk' })).status).toBe(303)
    expect((await house.anyone('GET', path)).status).toBe(410)
  })

  test('who has no login gets the same answer, as slowly, and no mail', async () => {
    const timed = async (email: string) => {
      const started = performance.now()
      const { status, html } = await ask(email)
      return { status, html, beats: Math.round((performance.now() - started) / 250) }
    }
    const known = await timed(house.cora.email)
    const unknown = await timed('nobody@nowhere.example')
    expect(unknown.status).toBe(known.status)
    expect(unknown.html).toBe(known.html)
    expect(unknown.beats).toBe(known.beats)
    expect(known.beats).toBeGreaterThan(0)
    await work()
    expect(smtp.mails.map(({ to }) => to)).toEqual([[house.cora.email]])
  })

  test('in a workspace where there is no such login nothing is sent', async () => {
    const other = await ask(house.bob.email, 'southpaw')
    expect(other.status).toBe(200)
    expect(await rows()).toHaveLength(0)
  })

  test('the link leads to PUBLIC_URL, whatever host the request names', async () => {
    await ask(house.ann.email, '', {
      host: 'evil.example',
      origin: 'http://evil.example',
      'x-forwarded-host': 'evil.example',
    })
    await work()
    expect(linkIn(smtp.mails[0])).toStartWith(`${publicUrl}/reset/`)
    expect(smtp.mails[0]?.raw).not.toContain('evil.example')
  })

  test('what is no mail address is said at the field', async () => {
    const { status, html } = await ask('bob')
    expect(status).toBe(422)
    expect(html).toContain('must be a mail address')
  })
})

describe('what waits for people', () => {
  const submit = async (words = 'An espresso that apologises') => {
    const { body } = await house.ann.api('POST', '/content', { text: words })
    expect((await house.ann.api('POST', `/content/${body.id}/submission`)).status).toBe(201)
    return body.id as string
  }
  const recipients = () => smtp.mails.flatMap(({ to }) => to).sort()

  test('comes by mail to each of them, in a line with its link', async () => {
    const id = await submit()
    await work()
    expect(recipients()).toContain(house.cora.email)
    expect(recipients()).not.toContain(house.ann.email)
    const mail = smtp.mails.find(({ to }) => to.includes(house.cora.email))
    expect(headerOf(mail, 'subject')).toBe('Ann asks for your approval: “An espresso that apologises”')
    expect(mail?.text).toContain(`${publicUrl}/w/northwind/content/${id}`)
    expect(mail?.text).toContain(`${publicUrl}/w/northwind/settings/notifications`)
    smtp.mails.length = 0
    await house.cora.api('POST', `/content/${id}/change-request`, { note: 'Less sorry, please' })
    await house.cora.api('POST', `/content/${id}/comments`, { text: 'Only a comment' })
    await work()
    expect(recipients()).toEqual([house.ann.email])
    expect(headerOf(smtp.mails[0], 'subject')).toStartWith('Cora asks for changes')
  })

  test('a post that fails is told', async () => {
    const made = await house.alice.api('POST', '/accounts', {
      platform: 'rehearsal',
      settings: { answer: 'rejected' },
    })
    const { body } = await house.alice.api('POST', '/content', { text: 'Never taken' })
    await house.alice.api('POST', `/content/${body.id}/publish-jobs`, { accounts: [made.body.id], now: true })
    await work()
    expect(recipients()).toContain(house.alice.email)
    expect(headerOf(smtp.mails[0], 'subject')).toContain('“Never taken” did not go out')
  })

  test('each switches them off, at both doors', async () => {
    expect((await house.cora.api('GET', '/me/mail')).body).toEqual({ notifications: true })
    expect((await house.cora.api('PATCH', '/me/mail', { notifications: false })).status).toBe(200)
    expect((await house.bob.page('POST', '/w/northwind/settings/mail', {})).status).toBe(303)
    await submit()
    expect((await rows()).map(row => row.body.to)).not.toContain(house.cora.email)
    await work()
    expect(recipients()).not.toContain(house.cora.email)
    expect(recipients()).not.toContain(house.bob.email)
    expect(recipients()).toContain(house.alice.email)
    const back = await house.cora.page('POST', '/w/northwind/settings/mail', { notifications: 'on' })
    expect(back.status).toBe(303)
    expect((await house.cora.page('GET', '/w/northwind/settings')).html).toMatch(
      /checked id="f-notifications"/,
    )
    expect((await house.cora.api('GET', '/me/mail')).body).toEqual({ notifications: true })
  })

  test('what was answered, or switched off, before the mail went is not mailed any more', async () => {
    smtp.refuse('RCPT', { code: 451, words: 'Later' }, 20)
    const id = await submit()
    await work()
    expect((await rows()).length).toBeGreaterThan(0)
    expect((await house.ann.api('DELETE', `/content/${id}/submission`)).status).toBe(200)
    smtp.calm()
    await later(60)
    expect(smtp.mails).toHaveLength(0)
    expect(await rows()).toHaveLength(0)
  })
})

describe('hostile words', () => {
  test('stay words: no header, no recipient, no markup', async () => {
    const evil = 'Eve\r\nBcc: evil@example.com\r\n\r\n<script>alert(1)</script><img src=x onerror=alert(1)>'
    await house.services.db.owner.unsafe(
      `update ${house.alice.tenant.schema}.users set name = $1 where id = $2`,
      [evil, house.alice.id],
    )
    await house.alice.api('PATCH', '/workspace', { name: 'Café "North"\n<b>wind</b>' })
    try {
      await invite()
      await work()
      const [mail] = smtp.mails
      expect(mail?.to).toHaveLength(1)
      expect(mail?.headers.map(([name]) => name)).not.toContain('bcc')
      expect(headerOf(mail, 'subject')).toContain('Eve Bcc: evil@example.com')
      expect(headerOf(mail, 'from')).toEndWith('<masthead@desk.northwind.example>')
      const elements = new Set<string>()
      new HTMLRewriter()
        .on('*', { element: one => void elements.add(one.tagName) })
        .transform(mail?.html ?? '')
      for (const name of ['script', 'img', 'b']) expect(elements).not.toContain(name)
      expect(mail?.html).toContain('&lt;script&gt;')
      const page = await house.alice.page('GET', '/w/northwind/settings/mail')
      expect(page.html).not.toContain('<script>alert')
    } finally {
      await house.services.db.owner.unsafe(
        `update ${house.alice.tenant.schema}.users set name = 'Alice' where id = $1`,
        [house.alice.id],
      )
      await house.alice.api('PATCH', '/workspace', { name: 'Northwind Coffee' })
    }
  })

  test('a mail loads nothing and tells nothing about its reader', async () => {
    await invite()
    await work()
    const { html } = smtp.mails[0] as ReceivedMail
    expect(html).not.toMatch(/<(img|link|script|iframe|object|video|style)\b|url\(|background=/i)
    const links = [...html.matchAll(/href="([^"]*)"/g)].map(([, href]) => href)
    expect(new Set(links).size).toBe(1)
    expect(links[0]).toStartWith('http')
  })
})

describe('who may see the outbox', () => {
  test('owners and admins of this workspace, nobody else', async () => {
    await invite()
    for (const person of [house.bob, house.ann, house.cora]) {
      expect((await person.api('GET', '/deliveries')).status).toBe(403)
      expect((await person.page('GET', '/w/northwind/settings/mail')).status).toBe(403)
      expect((await person.page('GET', '/w/northwind/settings')).html).not.toContain('Outbox')
    }
    expect(await outbox(house.dan)).toEqual([])
    expect((await house.dan.page('GET', '/w/northwind/settings/mail')).status).not.toBe(200)
    expect((await house.alice.api('GET', '/deliveries?state=failed')).body.items).toEqual([])
    expect((await house.alice.api('GET', '/deliveries?state=nonsense')).status).toBe(422)
    expect((await house.alice.api('GET', '/deliveries?cursor=x')).status).toBe(400)
  })

  test('a long list goes on', async () => {
    for (let n = 0; n < 5; n++) await invite()
    const first = (await house.alice.api('GET', '/deliveries?limit=3')).body
    const second = (await house.alice.api('GET', `/deliveries?limit=3&cursor=${first.next}`)).body
    expect([first.items.length, second.items.length, second.next]).toEqual([3, 2, null])
    expect(new Set([...first.items, ...second.items].map(({ id }: { id: string }) => id)).size).toBe(5)
  })
})

describe('too often', () => {
  test('three links for a new password an hour, by address and by caller, known or not', async () => {
    const strict = await openHouse({ SMTP_URL: smtp.url(), PUBLIC_URL: publicUrl })
    try {
      const ask = (email: string, from: string) =>
        strict.app.handle(
          new Request('http://localhost/reset', {
            method: 'POST',
            headers: { origin: 'http://localhost', 'x-forwarded-for': from },
            body: new URLSearchParams({ email }),
          }),
        )
      // Without a proxy that is trusted all requests come from one caller.
      for (const email of ['a@x.example', 'b@x.example', 'c@x.example'])
        expect((await ask(email, '10.0.0.1')).status).toBe(200)
      const fourth = await ask('d@x.example', '10.0.0.2')
      expect(fourth.status).toBe(429)
      expect(Number(fourth.headers.get('retry-after'))).toBeGreaterThan(60)
    } finally {
      await strict.close()
    }
    const behind = await openHouse({ SMTP_URL: smtp.url(), PUBLIC_URL: publicUrl, TRUST_PROXY: '1' })
    try {
      for (const email of [behind.bob.email, 'nobody@x.example'])
        for (let n = 0; n < 4; n++) {
          const { status } = await behind.anyone(
            'POST',
            '/reset',
            { email },
            { 'x-forwarded-for': `10.0.${email.length}.${n}` },
          )
          expect(status).toBe(n < 3 ? 200 : 429)
        }
    } finally {
      await behind.close()
    }
  })
})

describe('without a mail server', () => {
  test('nothing is written down, and pages say whom to ask', async () => {
    const bare = await openHouse({ RATE_LIMIT: 'off' })
    try {
      const made = await bare.alice.api('POST', '/invitations', {
        email: 'x@northwind.example',
        role: 'author',
      })
      expect([made.status, made.body.mail]).toEqual([201, null])
      expect(made.body.link).toContain('/join/')
      const { body } = await bare.ann.api('POST', '/content', { text: 'x' })
      await bare.ann.api('POST', `/content/${body.id}/submission`)
      const asked = await bare.anyone('POST', '/reset', { email: bare.bob.email })
      expect(asked.status).toBe(409)
      for (const html of [
        asked.html,
        (await bare.anyone('GET', '/reset')).html,
        (await bare.anyone('GET', '/sign-in')).html,
      ])
        expect(html).toContain('Whoever runs')
      const found = await bare.services.db.owner.unsafe(
        `select 1 from ${bare.alice.tenant.schema}.deliveries`,
      )
      expect(found).toHaveLength(0)
      expect((await bare.alice.page('GET', '/w/northwind/settings/mail')).html).toContain(
        'Mail is not set up',
      )
      expect((await bare.bob.page('GET', '/w/northwind/settings')).html).toContain(
        'This Masthead sends no mail',
      )
    } finally {
      await bare.close()
    }
  })
})

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('It did not come about within 20 s')
    await Bun.sleep(20)
  }
}
