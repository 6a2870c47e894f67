import type { Config } from '../config.ts'
import { Stop } from '../errors.ts'
import { createMailer, type Mailer } from '../integrations/mail.ts'

type MailConfig = Pick<Config, 'smtpUrl' | 'mailFrom' | 'publicUrl' | 'outboundAllow'>

/** The mail server that the settings name; null when there is none. @throws Stop when MAIL_FROM is no address */
export function openMailer({ smtpUrl, mailFrom, publicUrl, outboundAllow }: MailConfig): Mailer | null {
  if (!smtpUrl) return null
  const from = mailFrom ?? `masthead@${publicUrl?.hostname ?? 'localhost'}`
  if (!/^[^\s@<>"]+@[^\s@<>"]+$/.test(from))
    throw new Stop('MAIL_FROM must be one mail address, such as masthead@example.com.')
  const port = smtpUrl.port || (smtpUrl.protocol === 'smtps:' ? 465 : 587)
  return createMailer({ url: smtpUrl, from, plain: outboundAllow.includes(`${smtpUrl.hostname}:${port}`) })
}

/**
 * What is wrong with mail and how to cure it, in a sentence; null when it works, or is not set up. Connects to the mail
 * server and signs in there; sends nothing.
 */
export async function checkMail(config: MailConfig, mailer = openMailer(config)): Promise<string | null> {
  if (!mailer) return null
  const wrong = await mailer.check()
  if (wrong) return wrong
  if (!config.publicUrl)
    return 'Links in mails lead to this machine only: set PUBLIC_URL to the address at which people reach Masthead.'
  return null
}
