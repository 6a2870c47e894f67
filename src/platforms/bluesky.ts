/**
 * Bluesky (AT Protocol) by app password. Publishing is `putRecord` under a key chosen beforehand: a repeat writes the same
 * record to the same place (measured: the second call answers 200 with the same cid; `createRecord` would fail with 500).
 */
import { z } from 'zod'
import type { Answer } from '../lib/fetch.ts'
import {
  connecting,
  isObject,
  jsonObject,
  leftOf,
  outcomeOf,
  retry,
  serverOrigin,
  textAt,
} from './answers.ts'
import {
  collection,
  facetsOf,
  lookUp,
  published,
  recordKey,
  replyOf,
  uploadImage,
  uriOf,
} from './bluesky-record.ts'
import { readRecord } from './bluesky-seen.ts'
import { json, type Session, session, signIn, trouble } from './bluesky-session.ts'
import { misfit } from './misfit.ts'
import type { Account, Counts, Finding, Json, Limits, Outcome, Platform, Post, Sending } from './platform.ts'

/** Sources: the post and image lexicons in https://github.com/bluesky-social/atproto/tree/main/lexicons/app/bsky. */
const limits: Limits = {
  text: { max: 300, count: 'graphemes', maxBytes: 3000 },
  images: {
    max: 4,
    maxBytes: 20 * 1024 * 1024,
    // Newer servers take 2,000,000; every server takes this.
    shrinkToBytes: 1_000_000,
    maxAlt: 2000,
    types: ['image/jpeg', 'image/png', 'image/webp'],
  },
}

const settings = z.strictObject({
  service: z
    .string()
    .default('https://bsky.social')
    .refine(
      typed => serverOrigin(typed) !== null,
      'Give the server’s address, for example https://bsky.social.',
    ),
  identifier: z
    .string('Give your handle, for example ada.bsky.social.')
    // A handle copied from an app often brings invisible direction marks along.
    .transform(typed => typed.replace(/[\u200b-\u200f\u202a-\u202e\u2066-\u2069\s]/g, '').replace(/^@/, ''))
    .pipe(z.string().min(1, 'Give your handle, for example ada.bsky.social.').max(320)),
  password: z.string().trim().min(1, 'Give an app password.').max(512),
})

export const bluesky: Platform = {
  id: 'bluesky',
  name: 'Bluesky',
  about:
    'Posts with links, mentions, tags and up to four pictures. You need an app password, not your main one.',
  icon: 'cloud',
  limits,
  form: 1,
  repeat: 'identity',
  thread: 'replies',
  connectable: true,
  settings,
  fields: [
    { name: 'identifier', label: 'Handle', type: 'text', placeholder: 'ada.bsky.social', required: true },
    {
      name: 'password',
      label: 'App password',
      type: 'password',
      placeholder: 'xxxx-xxxx-xxxx-xxxx',
      hint: 'Make one in Bluesky under Settings, Privacy and security, App passwords.',
      required: true,
    },
    {
      name: 'service',
      label: 'Server',
      type: 'url',
      placeholder: 'https://bsky.social',
      hint: 'Leave it empty unless your account lives on another server.',
      required: false,
    },
  ],
  connect(typed, tools) {
    return connecting('Bluesky', async () => {
      const { service, identifier, password } = settings.parse(typed)
      const server = serverOrigin(service) ?? service
      const { did, handle, pds, secret } = await signIn(tools, server, identifier, password)
      return {
        name: handle,
        handle,
        remoteId: did,
        profileUrl: `https://bsky.app/profile/${did}`,
        settings: { service: server, pds },
        secret,
        limits,
      }
    })
  },
  check(account, sending) {
    return connecting('Bluesky', async () => {
      const talk = session(account, sending, sending.credential)
      const answer = await talk.call('com.atproto.server.getSession')
      if (answer.status !== 200) throw trouble(answer, talk.secrets())
    })
  },
  /** Creating costs 3 of 5,000 points an hour: https://docs.bsky.app/docs/advanced-guides/rate-limits */
  quota: { posts: 1666, hours: 1 },
  outlook(account, sending) {
    return connecting('Bluesky', async () => {
      const talk = session(account, sending, sending.credential)
      const left = leftOf((await talk.call('com.atproto.server.getSession')).headers)
      return left ? { left } : {}
    })
  },
  publish(account, post, sending) {
    // Whatever was lost on the way, the same record under the same key can be sent again.
    return outcomeOf(
      'Bluesky',
      () => publish(account, post, sending),
      why => ({ ...retry(why), perhaps: true }),
    )
  },
  reconcile(account, post, sending) {
    const look = () => lookUp(session(account, sending, sending.credential), account, post)
    return outcomeOf<Finding>('Bluesky', look, why => ({ ...retry(why), perhaps: true }))
  },
  readBack: (account, published, looking) =>
    connecting('Bluesky', () =>
      readRecord(session(account, looking, looking.credential), published, looking),
    ),
  metrics(account, remoteId, sending) {
    return connecting('Bluesky', () => counts(account, remoteId, sending))
  },
}

async function publish(account: Account, post: Post, sending: Sending): Promise<Outcome> {
  const why = misfit(post, account.limits, 'Bluesky')
  if (why) return { is: 'rejected', why }
  const talk = session(account, sending, sending.credential)
  const frozen = await sending.step('record', async () => ({
    createdAt: new Date().toISOString(),
    facets: await facetsOf(post.text, talk, sending.note),
    ...(post.answers ? { reply: await replyOf(post.answers, talk) } : {}),
  }))
  const upload = (index: number) => {
    const image = post.images[index]
    if (!image) throw new Error('no such picture')
    return uploadImage(image, account, talk)
  }
  let images: Json[] = []
  for (const [index, image] of post.images.entries()) {
    images.push(await sending.step(`picture-${index + 1}-${image.id}`, () => upload(index)))
  }
  await sending.arm()
  let answer = await put(talk, account, post, frozen, images)
  if (blobIsGone(answer)) {
    // Uploads that no post uses are swept after some hours; the same bytes get the same name again.
    sending.note('The pictures had expired at Bluesky and were uploaded again.')
    images = []
    for (const index of post.images.keys()) images.push(await upload(index))
    answer = await put(talk, account, post, frozen, images)
  }
  if (answer.status === 200 && textAt(jsonObject(answer), 'uri') === uriOf(account, post))
    return published(account, post)
  // 200 without our address, a 5xx, or a refusal that may come after an earlier try arrived: the record itself tells.
  if (answer.status === 200 || answer.status === 400 || answer.status >= 500) {
    const finding = await lookUp(talk, account, post)
    if (finding.is !== 'absent') return finding
  }
  throw trouble(answer, talk.secrets(), 'post')
}

function put(
  talk: Session,
  account: Account,
  post: Post,
  { createdAt, facets, reply }: { createdAt: string; facets: Json[]; reply?: Json },
  images: Json[],
): Promise<Answer> {
  const record: Json = {
    $type: collection,
    text: post.text,
    createdAt,
    ...(facets.length > 0 ? { facets } : {}),
    ...(reply ? { reply } : {}),
    ...(images.length > 0 ? { embed: { $type: 'app.bsky.embed.images', images } } : {}),
  }
  return talk.call(
    'com.atproto.repo.putRecord',
    json({ repo: account.remoteId, collection, rkey: recordKey(post), record }),
  )
}

function blobIsGone(answer: Answer): boolean {
  const body = jsonObject(answer)
  return (
    answer.status === 400 &&
    (textAt(body, 'error') === 'BlobNotFound' || /could not find blob/i.test(textAt(body, 'message') ?? ''))
  )
}

async function counts(
  account: Account,
  remoteId: string,
  sending: Parameters<NonNullable<Platform['metrics']>>[2],
): Promise<Counts | null> {
  const answer = await session(account, sending, sending.credential).call('app.bsky.feed.getPosts', {
    query: { uris: remoteId },
  })
  const posts = jsonObject(answer)?.posts
  const post = answer.status === 200 && Array.isArray(posts) ? posts[0] : null
  if (!isObject(post)) return null
  const number = (key: string) => (typeof post[key] === 'number' ? post[key] : 0)
  return {
    likes: number('likeCount'),
    reposts: number('repostCount'),
    replies: number('replyCount'),
    quotes: number('quoteCount'),
  }
}
