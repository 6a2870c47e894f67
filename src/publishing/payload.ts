import { canonicalJson, sha256 } from '../lib/canonical.ts'
import { platforms } from '../platforms/index.ts'
import type { PlatformId } from '../platforms/platform.ts'
import type { PostDraft } from './post.ts'

/** A post as one account sends it, in one exact text, and the SHA-256 of that text's UTF-8 bytes. */
export interface Payload {
  sha256: string
  /**
   * Canonical JSON: `{account, form, post}`, pictures in it by the SHA-256 of their bytes. A thread and a first comment
   * stand in it only where there is one: what was sealed before posts could have them keeps its hash.
   */
  body: string
}

/** Who a payload is for; null: whatever account gets the words and pictures for everywhere. */
export type Addressee = { id: string; platform: PlatformId } | null

/**
 * The whole of a draft is in it: whatever a post learns to carry is sealed with it. A first comment is sealed with its
 * post, so its job has the payload of the post as a whole.
 */
export function payloadOf({ thread, firstComment, ...first }: PostDraft, to: Addressee): Payload {
  const post = {
    ...first,
    ...(thread.length > 0 ? { thread } : {}),
    ...(firstComment === '' ? {} : { firstComment }),
  }
  const form = to && `${to.platform}/${platforms[to.platform].form}`
  const body = canonicalJson({ account: to?.id ?? null, form, post })
  return { sha256: sha256(body), body }
}

interface Read {
  account: string | null
  form: string | null
  post: PostDraft & Record<string, unknown>
}

/** What a payload says, from its text. */
export function readPayload(body: string): Read {
  const { post, ...rest } = JSON.parse(body) as Read
  return { ...rest, post: { ...post, thread: post.thread ?? [], firstComment: post.firstComment ?? '' } }
}
