/** Every failure of every platform: outcome, cause in plain words, what to do. */
import type { PlatformId } from '../platform.ts'
import { bluesky } from './bluesky.ts'
import type { Catalogue, Entry } from './entry.ts'
import { feed } from './feed.ts'
import { mastodon } from './mastodon.ts'
import { rehearsal } from './rehearsal.ts'
import { webhook } from './webhook.ts'

export const catalogue = { feed, rehearsal, bluesky, mastodon, webhook } as const satisfies Record<
  PlatformId,
  Catalogue
>

export function entryOf(platform: string, code: string): Entry | undefined {
  const all: Readonly<Record<string, Catalogue>> = catalogue
  const entries = Object.hasOwn(all, platform) ? all[platform] : undefined
  return entries && Object.hasOwn(entries, code) ? entries[code] : undefined
}

/** The path of our help page about a failure; null when the catalogue does not have it. */
export const helpPath = (platform: string, code: string): string | null =>
  entryOf(platform, code) ? `/help/${platform}#${code}` : null
