import { createTransport } from 'nodemailer'
import { isLoopback } from '../lib/addresses.ts'
import { oneLine } from '../lib/text.ts'

/** One mail to one person, ready to be sent. */
export interface Mail {
  /** Makes the Message-ID: a mail that is sent twice has the same one. */
  id: string
  to: string
  /** Shown as the sender's name, before our own address. */
  fromName: string
  subject: string
  text: string
  html: string
  /** When it was written. */
  date: Date
}

/** What became of it. `why` is a sentence for people, with the server's own words, and no token in it. */
export type MailOutcome =
  | { is: 'delivered'; answer: string }
  /** Not taken now, or the set-up is wrong: trying again later may help. */
  | { is: 'retry'; why: string }
  /** This address or this mail is refused for good. */
  | { is: 'rejected'; why: string }

export interface Mailer {
  /** Never throws. */
  send(mail: Mail): Promise<MailOutcome>
  /** What is wrong with the set-up and how to cure it; null when the server takes the login. */
  check(): Promise<string | null>
}

export interface MailerOptions {
  /** `smtp://user:password@host:587` or `smtps://…`, user and password percent-encoded. */
  url: URL
  /** The sender's address. */
  from: string
  /** Plain SMTP to this host is what the operator wants (OUTBOUND_ALLOW names it). */
  plain: boolean
  /** For connecting, for the server's greeting, and for each of its answers. */
  waitMs?: number
}

/**
 * A client of one SMTP server. Mails hold links that open doors: beyond this machine they travel by TLS only, with the
 * server's certificate checked, unless the operator lists the host; a password is never sent in the clear even then.
 */
export function createMailer({ url, from, plain, waitMs = 15_000 }: MailerOptions): Mailer {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const here = isLoopback(url.hostname)
  const secure = url.protocol === 'smtps:'
  const user = decodeURIComponent(url.username)
  const port = Number(url.port) || (secure ? 465 : 587)
  const where = `${url.hostname}:${port}`
  const transport = createTransport({
    host,
    port,
    secure,
    requireTLS: !secure && !here && (!plain || user !== ''),
    ...(user ? { auth: { user, pass: decodeURIComponent(url.password) } } : {}),
    tls: { minVersion: 'TLSv1.2', rejectUnauthorized: !here },
    connectionTimeout: waitMs,
    greetingTimeout: waitMs,
    socketTimeout: waitMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const domain = from.split('@').at(-1) ?? host
  return {
    async send(mail) {
      if (!plainAddress.test(mail.to))
        return { is: 'rejected', why: 'The address holds characters that no mail is sent to.' }
      try {
        const sent = await transport.sendMail({
          messageId: `<${mail.id}@${domain}>`,
          date: mail.date,
          from: { name: oneLine(mail.fromName), address: from },
          to: { name: '', address: mail.to },
          // Not read out of the headers: there is one recipient, however its address is spelled.
          envelope: { from, to: [mail.to] },
          subject: oneLine(mail.subject),
          text: mail.text,
          html: mail.html,
          headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
        })
        return { is: 'delivered', answer: clean(sent.response) }
      } catch (error) {
        return meaning(error, 'mail server')
      }
    },
    async check() {
      try {
        await transport.verify()
        return null
      } catch (error) {
        const outcome = meaning(error, `mail server ${where} (SMTP_URL)`)
        return outcome.is === 'delivered' ? null : outcome.why
      }
    },
  }
}

/** An address without anything that could end it, add another one, or be read as a name or a comment. */
const plainAddress = /^[^\s@<>(),;:"[\]\\]+@[^\s@<>(),;:"[\]\\]+$/

/** A server's words as they may be kept and shown: one short line, without what could be a token or a password. */
const clean = (words: string): string =>
  oneLine(words)
    .replace(/[\w+/=.~-]{24,}/g, '…')
    .slice(0, 300)

/** Answer codes: https://www.rfc-editor.org/rfc/rfc5321#section-4.2; error codes are nodemailer's (10.6). */
function meaning(error: unknown, server: string): MailOutcome {
  const {
    code = '',
    command = '',
    responseCode,
    response,
    message,
  } = error as Partial<Record<'code' | 'command' | 'response', string>> & {
    message: string
    responseCode?: number
  }
  const said = clean(response ?? message)
  if (responseCode === undefined && code === 'EENVELOPE')
    return { is: 'rejected', why: `The address cannot be written to: ${said}` }
  if (code === 'EAUTH' || responseCode === 530 || responseCode === 535)
    return {
      is: 'retry',
      why: `The ${server} does not accept the user and password of SMTP_URL: ${said}`,
    }
  // Where the server itself has answered, its words are about something else.
  const unsafe = /certificate|self.signed|altnames|ssl|tls/i.test(`${code} ${message}`)
  if (code === 'ETLS' || (responseCode === undefined && unsafe))
    return {
      is: 'retry',
      why: `No safe connection to the ${server}: ${said}. Let it offer TLS with a certificate for this name, or use smtps:// and its port.`,
    }
  if (responseCode === undefined)
    return {
      is: 'retry',
      why: `The ${server} cannot be reached: ${said}. Is it running, and may this machine call it?`,
    }
  // Only what is said of this recipient or this mail is final; a refused sender is the operator's to mend.
  const final = responseCode >= 500 && /^(RCPT TO|DATA)/.test(command)
  return final
    ? { is: 'rejected', why: `The mail server refuses it: ${said}` }
    : { is: 'retry', why: `The ${server} does not take it now: ${said}` }
}
