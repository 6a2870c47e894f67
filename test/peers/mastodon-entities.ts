/** The entities our Mastodon server answers with. Shapes: https://docs.joinmastodon.org/entities/ */
import { type Media, mediaEntity, mediaLimits } from './mastodon-media.ts'
import { toHtml } from './mastodon-text.ts'

export interface MastodonAccount {
  id: string
  username: string
  displayName: string
  createdAt: Date
}

export interface Status {
  id: string
  account: MastodonAccount
  createdAt: Date
  text: string
  spoiler: string
  visibility: string
  language: string
  inReplyTo: string | null
  media: Media[]
  counts: { replies: number; reblogs: number; favourites: number; quotes: number }
}

export function accountEntity(account: MastodonAccount, site: string, statusesCount: number) {
  const avatar = `${site}/avatars/original/missing.png`
  return {
    id: account.id,
    username: account.username,
    acct: account.username,
    display_name: account.displayName,
    locked: false,
    bot: false,
    discoverable: true,
    group: false,
    created_at: account.createdAt.toISOString(),
    note: '',
    url: `${site}/@${account.username}`,
    uri: `${site}/users/${account.username}`,
    avatar,
    avatar_static: avatar,
    header: avatar,
    header_static: avatar,
    followers_count: 0,
    following_count: 0,
    statuses_count: statusesCount,
    last_status_at: null,
    emojis: [],
    fields: [],
    source: {
      privacy: 'public',
      sensitive: false,
      language: 'en',
      note: '',
      fields: [],
      follow_requests_count: 0,
    },
  }
}

export function statusEntity(status: Status, site: string) {
  return {
    id: status.id,
    created_at: status.createdAt.toISOString(),
    edited_at: null,
    in_reply_to_id: status.inReplyTo,
    in_reply_to_account_id: null,
    sensitive: status.spoiler !== '',
    spoiler_text: status.spoiler,
    visibility: status.visibility,
    language: status.language,
    uri: `${site}/users/${status.account.username}/statuses/${status.id}`,
    url: `${site}/@${status.account.username}/${status.id}`,
    replies_count: status.counts.replies,
    reblogs_count: status.counts.reblogs,
    favourites_count: status.counts.favourites,
    quotes_count: status.counts.quotes,
    content: toHtml(status.text, site),
    reblog: null,
    application: { name: 'Masthead', website: null },
    account: accountEntity(status.account, site, 0),
    media_attachments: status.media.map(media => mediaEntity(media, site)),
    mentions: [],
    tags: [],
    emojis: [],
    card: null,
    poll: null,
    favourited: false,
    reblogged: false,
    muted: false,
    bookmarked: false,
    pinned: false,
    filtered: [],
  }
}

export function instanceEntity(site: string, maxCharacters: number, maxMedia: number, version: string) {
  return {
    domain: new URL(site).host,
    title: 'Masthead test instance',
    version,
    source_url: 'https://github.com/mastodon/mastodon',
    description: 'A server for tests',
    usage: { users: { active_month: 1 } },
    thumbnail: { url: `${site}/thumbnail.png` },
    icon: [],
    languages: ['en'],
    configuration: {
      urls: {
        streaming: site.replace('http', 'ws'),
        status: null,
        about: `${site}/about`,
        privacy_policy: null,
      },
      vapid: { public_key: '' },
      accounts: { max_featured_tags: 10, max_pinned_statuses: 5 },
      statuses: {
        max_characters: maxCharacters,
        max_media_attachments: maxMedia,
        characters_reserved_per_url: 23,
      },
      media_attachments: mediaLimits,
      polls: {
        max_options: 4,
        max_characters_per_option: 50,
        min_expiration: 300,
        max_expiration: 2_629_746,
      },
      translation: { enabled: false },
      limited_federation: false,
    },
    registrations: {
      enabled: false,
      approval_required: false,
      reason_required: null,
      message: null,
      url: null,
    },
    api_versions: { mastodon: 7 },
    contact: { email: 'admin@example.com', account: null },
    rules: [],
  }
}
