/** A pretend network: real limits, delays and failures on request, and a page that shows what arrived. */
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { seenAtHome } from './at-home.ts'
import { failureOf, outcomeFor } from './catalogue/tell.ts'
import { misfit } from './misfit.ts'
import { identityOf } from './parts.ts'
import type { Account, Limits, Platform } from './platform.ts'

const limits: Limits = {
  text: { max: 500, count: 'graphemes' },
  images: {
    max: 4,
    maxBytes: 20 * 1024 * 1024,
    maxAlt: 1500,
    types: ['image/jpeg', 'image/png', 'image/webp'],
  },
}

const settings = z.strictObject({
  delayMs: z.int().min(0).max(60_000).default(0),
  answer: z.enum(['ok', 'rejected', 'throttled', 'lost']).default('ok'),
})

export const rehearsal: Platform = {
  id: 'rehearsal',
  name: 'Rehearsal',
  about:
    'A pretend network for trying things out: nothing leaves this server, and a page shows what arrived.',
  icon: 'drama',
  limits,
  form: 1,
  repeat: 'journal',
  thread: 'replies',
  connectable: true,
  settings,
  fields: [
    {
      name: 'answer',
      label: 'How it answers',
      type: 'select',
      required: false,
      options: [
        { value: 'ok', label: 'Takes the post' },
        { value: 'rejected', label: 'Refuses every post' },
        { value: 'throttled', label: 'Asks to wait, then takes it' },
        { value: 'lost', label: 'Takes it, but its answer is lost' },
      ],
    },
    {
      name: 'delayMs',
      label: 'Delay',
      type: 'number',
      required: false,
      placeholder: '0',
      hint: 'Milliseconds, at most 60000.',
    },
  ],
  async connect(typed) {
    return {
      name: 'Rehearsal',
      handle: 'rehearsal',
      // Several may stand side by side, each with manners of its own.
      remoteId: crypto.randomUUID(),
      profileUrl: null,
      settings: settings.parse(typed),
      secret: {},
      limits,
    }
  },
  async check() {},
  async outlook(account) {
    return manners(account).answer === 'rejected'
      ? { refuses: failureOf('rehearsal', 'rehearsed_rejection') }
      : {}
  },
  direct: account => ['ok', 'lost'].includes(manners(account).answer),
  async publish(account, post, sending) {
    const why = misfit(post, account.limits, 'the rehearsal network')
    if (why) return { is: 'rejected', why }
    const { delayMs, answer } = manners(account)
    if (answer === 'rejected') return outcomeFor('rehearsal', 'rehearsed_rejection')
    let first = false
    if (answer === 'throttled') {
      await sending.step('throttled', async () => {
        first = true
        return true
      })
    }
    if (first) return outcomeFor('rehearsal', 'throttled')
    await sending.arm()
    if (delayMs > 0) {
      try {
        await wait(delayMs, undefined, { signal: sending.signal })
      } catch {
        return outcomeFor('rehearsal', 'called_off')
      }
    }
    const arrived = await sending.journal.arrive({
      key: identityOf(post),
      text: post.text,
      images: post.images.map(({ id, alt }) => ({ id, alt })),
    })
    if (answer === 'lost') return outcomeFor('rehearsal', 'answer_lost')
    return { is: 'published', remoteId: arrived.id, remoteUrl: arrived.url }
  },
  async reconcile(_account, post, sending) {
    const found = await sending.journal.find(identityOf(post))
    return found ? { is: 'published', remoteId: found.id, remoteUrl: found.url } : { is: 'absent' }
  },
  readBack: (_account, published, looking) => seenAtHome(published, looking),
}

/** Settings as saved; an account saved by an older version behaves like `ok`. */
function manners(account: Account): z.infer<typeof settings> {
  const read = settings.safeParse(account.settings)
  return read.success ? read.data : { delayMs: 0, answer: 'ok' }
}
