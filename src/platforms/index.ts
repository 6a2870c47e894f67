/** Every platform, one line each. */
import { bluesky } from './bluesky.ts'
import { feed } from './feed.ts'
import { mastodon } from './mastodon.ts'
import type { Platform, PlatformId } from './platform.ts'
import { rehearsal } from './rehearsal.ts'
import { webhook } from './webhook.ts'

export const platforms: Record<PlatformId, Platform> = {
  feed,
  rehearsal,
  bluesky,
  mastodon,
  webhook,
}
