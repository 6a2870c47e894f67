import type { PlatformId } from '../../src/platforms/platform.ts'
import type { Html } from '../html.ts'
import { Icon, type IconName } from './icon.tsx'

/** Name, two letters for tight places, and sign of each platform on screen. */
export const platforms: Record<PlatformId, { name: string; short: string; icon: IconName }> = {
  feed: { name: 'Own feed', short: 'FD', icon: 'rss' },
  rehearsal: { name: 'Rehearsal', short: 'RE', icon: 'flask-conical' },
  bluesky: { name: 'Bluesky', short: 'BS', icon: 'cloud' },
  mastodon: { name: 'Mastodon', short: 'MD', icon: 'message-circle' },
  webhook: { name: 'Webhook', short: 'WH', icon: 'webhook' },
}

/** The platform's sign and name in a line of text. `name` replaces the platform's name (an account's own). */
export function PlatformMark({ platform, name }: { platform: PlatformId; name?: string | undefined }): Html {
  return (
    <span class="platform">
      <Icon name={platforms[platform].icon} label={name ? platforms[platform].name : undefined} />
      <span dir="auto">{name ?? platforms[platform].name}</span>
    </span>
  )
}
