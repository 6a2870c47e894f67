/**
 * Mastodon and servers with its API, by access token. Publishing carries an `Idempotency-Key`, which the server keeps for up
 * to an hour (https://docs.joinmastodon.org/methods/statuses/#create); after that we look before anything is sent again.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Answer } from '../lib/fetch.ts'
import { connecting, jsonObject, leftOf, outcomeOf, rawOf, retry, serverOrigin, textAt } from './answers.ts'
import { failureOf, outcomeFor } from './catalogue/tell.ts'
import { findStatus, published } from './mastodon-look.ts'
import { picture } from './mastodon-media.ts'
import { readStatus } from './mastodon-seen.ts'
import { type Caller, call, callerOf, readServer, stockLimits, trouble } from './mastodon-server.ts'
import { misfit } from './misfit.ts'
import { identityOf } from './parts.ts'
import {
  type Account,
  ConnectionFailed,
  type Failure,
  type Finding,
  type Outcome,
  type Platform,
  type Post,
  type Sending,
  type Tools,
} from './platform.ts'

/** The server forgets a key after an hour; five minutes are kept in hand. */
const keyMs = 55 * 60_000
/** After a lost answer the first call may still be running over there; its key is noted only when it has ended. */
const settleMs = 30_000

const settings = z.strictObject({
  instance: z
    .string()
    .refine(
      typed => serverOrigin(typed) !== null,
      'Give your server’s address, for example mastodon.social.',
    ),
  token: z.string().trim().min(1, 'Give an access token.').max(512),
})

export const mastodon: Platform = {
  id: 'mastodon',
  name: 'Mastodon',
  about:
    'Posts with up to four pictures on any Mastodon server, within the limits that the server itself names.',
  icon: 'message-circle',
  limits: stockLimits,
  form: 1,
  repeat: 'key',
  thread: 'replies',
  connectable: true,
  settings,
  fields: [
    { name: 'instance', label: 'Server', type: 'text', placeholder: 'mastodon.social', required: true },
    {
      name: 'token',
      label: 'Access token',
      type: 'password',
      hint: 'On your server under Preferences, Development, New application, with read and write. Copy “Your access token”.',
      required: true,
    },
  ],
  connect(typed, tools) {
    return connecting('The server', () => connect(typed, tools))
  },
  check(account, sending) {
    return connecting('The server', async () => {
      const caller = callerOf(account, sending.credential.current, sending)
      const answer = await call(caller, '/api/v1/accounts/verify_credentials')
      if (answer.status !== 200 || textAt(jsonObject(answer), 'id') === null)
        throw trouble(answer, [caller.token])
    })
  },
  /** https://github.com/mastodon/mastodon/blob/main/app/lib/rate_limiter.rb */
  quota: { posts: 300, hours: 3 },
  outlook(account, sending) {
    return connecting('The server', async () => {
      const caller = callerOf(account, sending.credential.current, sending)
      const about = await readServer(caller.server, sending)
      const owner = await call(caller, '/api/v1/apps/verify_credentials')
      const left = leftOf(owner.headers)
      return {
        limits: about.limits,
        ...(mayWrite(owner) ? {} : { refuses: failureOf('mastodon', 'scope_missing') }),
        ...(left ? { left } : {}),
      }
    })
  },
  // A picture is uploaded first.
  direct: (_account, post) => post.images.length === 0,
  publish(account, post, sending) {
    return outcomeOf(
      'The server',
      () => publish(account, post, sending),
      why => lost(account, why),
    )
  },
  reconcile(account, post, sending) {
    return outcomeOf(
      'The server',
      () => reconcile(account, post, sending),
      why => retry(why),
    )
  },
  readBack: (account, published, looking) =>
    connecting('The server', () => readStatus(account, published, looking)),
  metrics(account, remoteId, sending) {
    return connecting('The server', async () => {
      const caller = callerOf(account, sending.credential.current, sending)
      const answer = await call(caller, `/api/v1/statuses/${encodeURIComponent(remoteId)}`)
      const status = answer.status === 200 ? jsonObject(answer) : null
      if (status === null) return null
      const number = (key: string) => (typeof status[key] === 'number' ? status[key] : 0)
      return {
        likes: number('favourites_count'),
        reposts: number('reblogs_count'),
        replies: number('replies_count'),
        quotes: number('quotes_count'),
      }
    })
  },
}

async function connect(
  typed: Parameters<Platform['connect']>[0],
  tools: Tools,
): ReturnType<Platform['connect']> {
  const { instance, token } = settings.parse(typed)
  const server = serverOrigin(instance) ?? instance
  const about = await readServer(server, tools)
  const caller = { server, token, tools }
  const who = await call(caller, '/api/v1/accounts/verify_credentials')
  const me = jsonObject(who)
  const id = textAt(me, 'id')
  const username = textAt(me, 'username')
  if (who.status === 401 || who.status === 403) {
    throw new ConnectionFailed(
      `${about.title} does not accept this access token. Copy it again, or make one with read and write.`,
    )
  }
  if (who.status !== 200 || id === null || username === null) throw trouble(who, [token])
  // Newer servers tell what the token may do and which app it belongs to; older ones answer without scopes, or not at all.
  const owner = await call(caller, '/api/v1/apps/verify_credentials')
  if (!mayWrite(owner))
    throw new ConnectionFailed('This token may read but not write. Make one with the scopes read and write.')
  const application = textAt(owner.status === 200 ? jsonObject(owner) : null, 'name')
  return {
    name: textAt(me, 'display_name') ?? username,
    handle: `${username}@${new URL(server).host}`,
    remoteId: id,
    profileUrl: textAt(me, 'url'),
    settings: { instance: server, keyed: about.keyed, ...(application ? { application } : {}) },
    secret: { token },
    limits: about.limits,
  }
}

/** Unless the server says otherwise; older ones do not say. */
function mayWrite(owner: Answer): boolean {
  const scopes = owner.status === 200 ? jsonObject(owner)?.scopes : null
  if (!Array.isArray(scopes) || scopes.includes('write')) return true
  return scopes.includes('write:statuses') && scopes.includes('write:media')
}

async function publish(account: Account, post: Post, sending: Sending): Promise<Outcome> {
  const why = misfit(post, account.limits, 'this server')
  if (why) return { is: 'rejected', why }
  const caller = callerOf(account, sending.credential.current, sending)
  const media: string[] = []
  for (const [index, image] of post.images.entries())
    media.push(await picture(index, image, account, caller, sending))

  if (sending.firstSent) {
    // An earlier attempt may have arrived. Looking costs one call and is right even when the key has been forgotten.
    const seen = await lookBack(caller, account, post, sending.firstSent.getTime())
    if (typeof seen === 'object') return seen
  }
  await sending.arm()
  const answer = await call(caller, '/api/v1/statuses', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': keyOf(post) },
    body: JSON.stringify({
      status: post.text,
      media_ids: media,
      ...(post.answers ? { in_reply_to_id: post.answers.parent } : {}),
    }),
  })
  const done = answer.status === 200 ? published(jsonObject(answer)) : null
  if (done) return done
  // It answers 404 both where it lacks the method and where the status to answer is gone; the method it has.
  if (answer.status === 404 && post.answers)
    return outcomeFor('mastodon', 'parent_gone', { raw: rawOf(answer, [caller.token]) })
  const end = trouble(answer, [caller.token], 'post').outcome
  // An answer that nobody knows proves nothing: it is as good as lost.
  const refused = answer.status >= 400 && answer.status < 500 && 'why' in end && end.why.unknown === undefined
  return refused || !('why' in end) ? end : lost(account, end.why)
}

/** The answer is lost: with a key the repeat is safe, without one only looking helps. */
function lost(account: Account, why: Failure): Outcome {
  return account.settings.keyed === false
    ? { is: 'unconfirmed', why }
    : { ...retry(why, settleMs), perhaps: true }
}

async function reconcile(account: Account, post: Post, sending: Sending): Promise<Finding> {
  const caller = callerOf(account, sending.credential.current, sending)
  // Without a remembered first send the planned moment is the earliest it can have been.
  const seen = await lookBack(caller, account, post, (sending.firstSent ?? post.plannedAt).getTime())
  if (seen === 'absent') return { is: 'absent' }
  return seen === 'unknown'
    ? {
        ...retry(
          failureOf('mastodon', 'cannot_look', {
            next: 'Nothing to do: it is sent again with the same key.',
          }),
          settleMs,
        ),
        perhaps: true,
      }
    : seen
}

/** Looks for an earlier arrival. `unknown`: looking failed, but the key still makes a repeat safe; else that is unconfirmed. */
async function lookBack(
  caller: Caller,
  account: Account,
  post: Post,
  at: number,
): Promise<Outcome | 'absent' | 'unknown'> {
  const seen = await outcomeOf<Finding>(
    'The server',
    async () => (await findStatus(caller, account, post, at)) ?? { is: 'absent' },
    why => retry(why),
  )
  if (seen.is === 'published') return seen
  if (seen.is === 'absent') return 'absent'
  if (seen.is === 'reconnect' && seen.why.code === 'token_revoked') return seen
  if (account.settings.keyed !== false && Date.now() - at < keyMs) return 'unknown'
  const raw = 'why' in seen ? seen.why.raw : undefined
  return outcomeFor('mastodon', 'cannot_look', raw === undefined ? {} : { raw })
}

/** The same for every attempt of a job; each part of a thread has its own. */
export function keyOf(post: Pick<Post, 'jobId' | 'part'>): string {
  return createHash('sha256').update(identityOf(post)).digest('hex')
}
