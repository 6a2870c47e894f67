/** The workspace's own public feed. The feed *is* the published jobs of this account, so publishing needs no network. */
import { z } from 'zod'
import { seenAtHome } from './at-home.ts'
import { misfit } from './misfit.ts'
import { ConnectionFailed, type Limits, type Platform } from './platform.ts'

const limits: Limits = {
  text: { max: 100_000, count: 'characters' },
  images: {
    max: 20,
    maxBytes: 20 * 1024 * 1024,
    maxAlt: 10_000,
    types: ['image/jpeg', 'image/png', 'image/webp'],
  },
}

export const feed: Platform = {
  id: 'feed',
  name: 'Own feed',
  about:
    'A public page of this workspace with RSS, Atom and JSON Feed. It is there from the start and needs no other service.',
  icon: 'rss',
  limits,
  form: 1,
  repeat: 'identity',
  thread: 'joined',
  connectable: false,
  settings: z.strictObject({}),
  fields: [],
  async connect() {
    throw new ConnectionFailed(
      'Every workspace has its own feed from the start; it is not connected by hand.',
    )
  },
  async check() {},
  direct: () => true,
  async publish(account, post, sending) {
    const why = misfit(post, account.limits, 'the feed')
    if (why) return { is: 'rejected', why }
    // Nothing leaves the house, recording the job is what publishes it; but only what may go out just now.
    await sending.arm()
    return { is: 'published', remoteId: post.jobId, remoteUrl: sending.feedUrl(post.jobId) }
  },
  /** Nothing has ever left the house: recording the job again is what publishes it. */
  async reconcile() {
    return { is: 'absent' }
  },
  readBack: (_account, published, looking) => seenAtHome(published, looking),
}
