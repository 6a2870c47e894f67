/**
 * A signed webhook: each post goes to an address of the user's choice, as Standard Webhooks describes.
 * Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { connecting, outcomeOf, retry, Stop, webAddress } from './answers.ts'
import { failureOf, outcomeFor } from './catalogue/tell.ts'
import { misfit } from './misfit.ts'
import {
  type Account,
  ConnectionFailed,
  type Json,
  type Limits,
  type Outcome,
  type Platform,
  type Tools,
} from './platform.ts'
import { bodyOf, deliver, read } from './webhook-delivery.ts'

const limits: Limits = {
  text: { max: 10_000, count: 'characters' },
  images: {
    max: 20,
    maxBytes: 20 * 1024 * 1024,
    maxAlt: 10_000,
    types: ['image/jpeg', 'image/png', 'image/webp'],
  },
}

const settings = z.strictObject({
  url: z
    .string()
    .trim()
    .max(2000)
    .refine(url => webAddress(url) !== null, 'Give the full address, beginning with https://.'),
})

export const webhook: Platform = {
  id: 'webhook',
  name: 'Signed webhook',
  about:
    'Sends each post, signed, to an address of yours: an own site, an automation, anything that takes a POST.',
  icon: 'webhook',
  limits,
  form: 1,
  repeat: 'receiver',
  thread: 'list',
  connectable: true,
  settings,
  fields: [
    {
      name: 'url',
      label: 'Address',
      type: 'url',
      placeholder: 'https://example.org/hooks/masthead',
      hint: 'It gets a signed ping now and must answer it with 2xx. The signing secret is shown once, right after.',
      required: true,
    },
  ],
  async connect(typed, tools) {
    const url = settings.parse(typed).url
    const secret = `whsec_${randomBytes(32).toString('base64')}`
    await ping(url, secret, tools)
    const { host } = new URL(url)
    return {
      name: host,
      handle: host,
      remoteId: url,
      profileUrl: null,
      settings: { url },
      secret: { secret },
      limits,
      reveal: { secret },
    }
  },
  async check(account, sending) {
    await connecting('The receiver', async () =>
      ping(urlOf(account), secretOf(sending.credential.current), sending),
    )
  },
  direct: () => true,
  publish(account, post, sending) {
    return outcomeOf<Outcome>(
      'The receiver',
      async () => {
        const why = misfit(post, account.limits, 'the webhook')
        if (why) return { is: 'rejected', why }
        const secret = secretOf(sending.credential.current)
        await sending.arm()
        return read(await deliver(urlOf(account), secret, post.jobId, bodyOf(post), sending), post)
      },
      // The receiver knows the job by its webhook-id, so sending it again is what the standard asks for.
      why => ({ ...retry(why), perhaps: true }),
    )
  },
  async reconcile() {
    return { ...retry(failureOf('webhook', 'answer_unknown')), perhaps: true }
  },
}

async function ping(url: string, secret: string, tools: Tools): Promise<void> {
  const { status } = await connecting('The receiver', () => {
    const body = JSON.stringify({ type: 'ping', timestamp: new Date().toISOString(), data: {} })
    return deliver(url, secret, `ping_${randomBytes(16).toString('hex')}`, body, tools)
  })
  if (status >= 200 && status < 300) return
  if (status >= 300 && status < 400) {
    throw new ConnectionFailed(
      `The address answers with a redirect (${status}). Give the address it leads to.`,
    )
  }
  if (status === 410)
    throw new ConnectionFailed('The address answers 410: it is gone for good. Give its new address.')
  throw new ConnectionFailed(
    `The address answered our signed ping with ${status}; a 2xx was expected.`,
    status < 500 && status !== 429,
  )
}

function urlOf(account: Account): string {
  const { url } = account.settings
  if (typeof url !== 'string') throw broken()
  return url
}

function secretOf(credential: Record<string, Json>): string {
  const { secret } = credential
  if (typeof secret !== 'string') throw broken()
  return secret
}

const broken = () => new Stop(outcomeFor('webhook', 'credential_missing'))
