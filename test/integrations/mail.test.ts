/** The mail client against a server that takes, refuses, hangs, and offers TLS or not. */
import { afterEach, describe, expect, test } from 'bun:test'
import { createMailer, type Mail } from '../../src/integrations/mail.ts'
import { newId } from '../../src/lib/id.ts'
import { type Smtp, startSmtp } from '../peers/index.ts'

let smtp: Smtp | null = null
afterEach(async () => {
  await smtp?.stop()
  smtp = null
})

const from = 'desk@masthead.example'
const mail = (change: Partial<Mail> = {}): Mail => ({
  id: newId(),
  to: 'ines@northwind.example',
  fromName: 'Northwind Coffee',
  subject: 'Hello',
  text: 'Plain words',
  html: '<p>Words</p>',
  date: new Date('2026-11-21T08:36:00Z'),
  ...change,
})
async function open(
  server: Parameters<typeof startSmtp>[0] = {},
  { host = '127.0.0.1', login, plain = false }: { host?: string; login?: string; plain?: boolean } = {},
) {
  smtp = await startSmtp(server)
  const url = new URL(smtp.url(login).replace('127.0.0.1', host))
  return { smtp, mailer: createMailer({ url, from, plain, waitMs: 1_000 }) }
}
const header = (name: string) =>
  smtp?.mails[0]?.headers.filter(([key]) => key === name).map(([, value]) => value)

describe('a mail', () => {
  test('goes out with both bodies, our own sender and an id that a repeat shares', async () => {
    const { mailer, smtp } = await open()
    const one = mail({ subject: 'Grüße – “Röstung”', text: 'Zeile eins\n\nÄpfel', html: '<p>Äpfel</p>' })
    const sent = await mailer.send(one)
    expect(sent.is).toBe('delivered')
    await mailer.send(one)
    expect(smtp.mails).toHaveLength(2)
    const [first] = smtp.mails
    expect([first?.from, first?.to]).toEqual([from, ['ines@northwind.example']])
    expect(header('from')).toEqual([`Northwind Coffee <${from}>`])
    expect(header('subject')).toEqual(['Grüße – “Röstung”'])
    expect(header('message-id')).toEqual([`<${one.id}@masthead.example>`])
    expect(smtp.mails[1]?.headers.find(([name]) => name === 'message-id')?.[1]).toBe(
      `<${one.id}@masthead.example>`,
    )
    expect(header('date')).toEqual(['Sat, 21 Nov 2026 08:36:00 +0000'])
    expect(header('auto-submitted')).toEqual(['auto-generated'])
    expect(first?.text.trim()).toBe('Zeile eins\n\nÄpfel'.replaceAll('\n', '\r\n'))
    expect(first?.html.trim()).toBe('<p>Äpfel</p>')
  })

  test('names with line breaks, addresses with commas and quotes add no header and no recipient', async () => {
    const { mailer, smtp } = await open()
    for (const trap of [
      'x\r\nBcc: evil@example.com',
      'x\nTo: evil@example.com\n\nbody',
      'x\r\n\r\n<script>',
      'a, evil@example.com',
      '"quoted" <evil@example.com>',
      '\u2028Bcc: evil@example.com',
    ])
      expect((await mailer.send(mail({ fromName: trap, subject: trap }))).is).toBe('delivered')
    for (const { to, headers } of smtp.mails) {
      expect(to).toEqual(['ines@northwind.example'])
      const names = headers.map(([name]) => name)
      expect(names).not.toContain('bcc')
      expect(names.filter(name => name === 'to')).toHaveLength(1)
      expect(headers.find(([name]) => name === 'from')?.[1]).toEndWith(`<${from}>`)
    }
    for (const to of [
      'ines@x.example\r\nRCPT TO:<evil@example.com>',
      'a<evil@example.com>',
      'evil@example.com,ines@x.example',
      'evil,ines@x.example',
      '"a b"@x.example',
      'x(comment)@x.example',
    ])
      expect((await mailer.send(mail({ to }))).is).toBe('rejected')
    expect(smtp.mails.flatMap(({ to }) => to)).not.toContain('evil@example.com')
  })
})

describe('what the server says', () => {
  test.each([
    ['RCPT', 550, 'rejected', '5.1.1 No such person'],
    ['RCPT', 552, 'rejected', '5.2.2 Over quota'],
    ['RCPT', 451, 'retry', '4.7.1 Greylisted, come back'],
    ['RCPT', 421, 'retry', '4.3.2 Going down'],
    ['DATA', 554, 'rejected', '5.7.1 Looks like spam'],
    ['DATA', 452, 'retry', '4.3.1 Disk full'],
    ['MAIL', 553, 'retry', '5.7.1 Sender not allowed'],
  ] as const)('%s answered %d is %s', async (command, code, is, words) => {
    const { mailer, smtp } = await open()
    smtp.refuse(command, { code, words })
    const outcome = await mailer.send(mail())
    expect(outcome.is).toBe(is)
    expect(outcome.is === 'delivered' ? '' : outcome.why).toContain(words)
    expect(smtp.mails).toHaveLength(0)
    expect((await mailer.send(mail())).is).toBe('delivered')
  })

  test('a token that it repeats is not kept', async () => {
    const { mailer, smtp } = await open()
    const token = 'k3Y'.repeat(14)
    smtp.refuse('DATA', { code: 554, words: `Your link https://desk.example/join/${token} is unwanted` })
    const outcome = await mailer.send(mail())
    expect(JSON.stringify(outcome)).not.toContain(token)
    expect(outcome).toMatchObject({ is: 'rejected', why: expect.stringContaining('is unwanted') })
  })

  test('a hang and a cut end in a retry within the time', async () => {
    const { mailer, smtp } = await open()
    for (const [command, refusal] of [
      ['RCPT', 'hang'],
      ['DATA', 'hang'],
      ['DATA', 'drop'],
    ] as const) {
      smtp.refuse(command, refusal)
      const started = performance.now()
      expect(await mailer.send(mail())).toMatchObject({
        is: 'retry',
        why: expect.stringContaining('cannot be reached'),
      })
      expect(performance.now() - started).toBeLessThan(4_000)
    }
  })

  test('nobody there, a wrong password: said with the cure, and never the password', async () => {
    const away = createMailer({ url: new URL('smtp://127.0.0.1:9'), from, plain: false, waitMs: 1_000 })
    expect(await away.check()).toMatch(/^The mail server 127\.0\.0\.1:9 \(SMTP_URL\) cannot be reached/)
    const { mailer } = await open({ login: 'desk:right horse' }, { login: 'desk:wrong-horse-battery' })
    const wrong = await mailer.check()
    expect(wrong).toMatch(/does not accept the user and password of SMTP_URL/)
    expect(wrong).not.toContain('horse')
    expect((await mailer.send(mail())).is).toBe('retry')
  })

  test('the right login, percent-encoded, is taken', async () => {
    const { mailer, smtp } = await open({ login: 'desk@x:p/a@s?#%' })
    expect(await mailer.check()).toBeNull()
    expect((await mailer.send(mail())).is).toBe('delivered')
    expect(smtp.mails[0]?.user).toBe('desk@x')
  })
})

/** 0.0.0.0 leads to this machine, and is none of the names by which the client knows it. */
const elsewhere = '0.0.0.0'
describe('beyond this machine', () => {
  test('a server without TLS gets no mail and no password', async () => {
    const { mailer, smtp } = await open({ login: 'desk:word' }, { host: elsewhere })
    expect(await mailer.send(mail())).toMatchObject({
      is: 'retry',
      why: expect.stringContaining('No safe connection'),
    })
    expect(await mailer.check()).toContain('No safe connection')
    expect(smtp.commands).toEqual([])
  })

  test('nor does one whose certificate nobody vouches for, by STARTTLS or by smtps', async () => {
    for (const server of [{ startTls: true }, { tls: true }]) {
      const { mailer, smtp: one } = await open(server, { host: elsewhere })
      expect(await mailer.send(mail())).toMatchObject({
        is: 'retry',
        why: expect.stringContaining('No safe connection'),
      })
      expect(one.commands).toEqual([])
      await one.stop()
    }
    smtp = null
  })

  test('a host that the operator lists may be plain, but a password still goes by TLS only', async () => {
    const { mailer, smtp: open1 } = await open({}, { host: elsewhere, plain: true })
    expect((await mailer.send(mail())).is).toBe('delivered')
    expect(open1.mails[0]?.secure).toBe(false)
    await open1.stop()
    const { mailer: second, smtp: open2 } = await open(
      { login: 'desk:word' },
      { host: elsewhere, plain: true },
    )
    expect((await second.send(mail())).is).toBe('retry')
    expect(open2.commands).toEqual([])
  })

  test('on this machine STARTTLS is taken where it is offered, whoever signed it', async () => {
    for (const server of [{ startTls: true }, { tls: true }]) {
      const { mailer, smtp: one } = await open(server)
      expect((await mailer.send(mail())).is).toBe('delivered')
      expect(one.mails[0]?.secure).toBe(true)
      await one.stop()
    }
    smtp = null
  })
})
