import type { TimeWindow } from '../approvals/window.ts'
import { canonicalJson, sha256 } from '../lib/canonical.ts'
import { platforms } from '../platforms/index.ts'
import type { PlatformId } from '../platforms/platform.ts'
import type { PostDraft } from './post.ts'

/** A post as one account sends it, in one exact text, and the SHA-256 of that text's UTF-8 bytes. */
export interface Payload {
  sha256: string
  /**
   * Canonical JSON: `{account, form, post, window}`, pictures in it by the SHA-256 of their bytes. A thread, a first
   * comment and a time window stand in it only where there is one: what was sealed before there were any keeps its hash.
   */
  body: string
  /** When it may go out where an approval is required; null: at any time. */
  window: TimeWindow | null
}

/** Who a payload is for; null: whatever account gets the words and pictures for everywhere. */
export type Addressee = { id: string; platform: PlatformId } | null

/**
 * The whole of a draft is in it: whatever a post learns to carry is sealed with it. A first comment is sealed with its
 * post, so its job has the payload of the post as a whole.
 */
export function payloadOf({ thread, firstComment, window, ...first }: PostDraft, to: Addressee): Payload {
  const post = {
    ...first,
    ...(thread.length > 0 ? { thread } : {}),
    ...(firstComment === '' ? {} : { firstComment }),
  }
  const form = to && `${to.platform}/${platforms[to.platform].form}`
  const body = canonicalJson({ account: to?.id ?? null, form, post, ...(window ? { window } : {}) })
  return { sha256: sha256(body), body, window }
}

interface Read {
  account: string | null
  form: string | null
  post: PostDraft & Record<string, unknown>
}

/** What a payload says, from its text. */
export function readPayload(body: string): Read {
  const { post, window = null, ...rest } = JSON.parse(body) as Read & { window?: TimeWindow }
  return {
    ...rest,
    post: { ...post, thread: post.thread ?? [], firstComment: post.firstComment ?? '', window },
  }
}
