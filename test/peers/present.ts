/** Which real peers this machine has, and the guard that turns a missing one into a named skip, or an error. */
import { describe } from 'bun:test'
import { findNode, isInstalled, missingToolchain } from './pds/install.ts'
import { hasOlderPostgres } from './postgres/install.ts'

export const peers = ['pds', 'postgres', 'redis', 'pgbouncer', 's3', 'chromium'] as const
export type Peer = (typeof peers)[number]

export const peerNames: Record<Peer, string> = {
  pds: 'Bluesky PDS',
  postgres: 'PostgreSQL 15 to 17',
  redis: 'Redis',
  pgbouncer: 'PgBouncer',
  s3: 'Swift (S3)',
  chromium: 'Chromium',
}

/** Debian keeps servers in /usr/sbin, which an ordinary user's PATH lacks. */
const searchPath = `${process.env.PATH ?? ''}:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin`

/** Where a program is, or null. */
export function program(...names: string[]): string | null {
  for (const name of names) {
    const path = Bun.which(name, { PATH: searchPath })
    if (path) return path
  }
  return null
}

export const chromiumPath = () =>
  program('chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome')

/** What is missing for `peer` on this machine, in words with the way to get it; null when nothing is. */
export function missing(peer: Peer): string | null {
  switch (peer) {
    case 'pds': {
      const node = findNode()
      if (typeof node === 'string') return node
      if (isInstalled()) return null
      return missingToolchain() ?? 'it is not installed yet: `bun run test` installs it'
    }
    case 'postgres':
      return hasOlderPostgres() ? null : 'they are not installed yet: `bun run test` installs them'
    case 'redis':
      return program('redis-server') ? null : 'redis-server is not installed: apt-get install redis-server'
    case 'pgbouncer':
      return program('pgbouncer') ? null : 'pgbouncer is not installed: apt-get install pgbouncer'
    case 's3': {
      const parts = ['swift-proxy', 'swift-account', 'swift-container', 'swift-object', 'memcached']
      const lacking = parts.filter(name => !program(name.startsWith('swift') ? `${name}-server` : name))
      return lacking.length > 0 ? `Swift is not installed: apt-get install ${lacking.join(' ')}` : null
    }
    case 'chromium':
      return chromiumPath() ? null : 'Chromium is not installed: apt-get install chromium'
  }
}

/** For every peer `true`, or the words that say what is missing. */
export async function present(): Promise<Record<Peer, true | string>> {
  return {
    pds: missing('pds') ?? true,
    postgres: missing('postgres') ?? true,
    redis: missing('redis') ?? true,
    pgbouncer: missing('pgbouncer') ?? true,
    s3: missing('s3') ?? true,
    chromium: missing('chromium') ?? true,
  }
}

/** TEST_REQUIRE=all: whoever runs the tests promises that every peer is here. */
export const everythingRequired = () => process.env.TEST_REQUIRE === 'all'

/**
 * `describe` for tests that need real peers. Without them the tests are skipped and the runner names them; under
 * TEST_REQUIRE=all the file fails as it loads, so that nothing goes missing quietly.
 */
export function describePeer(needed: Peer | readonly Peer[], name: string, tests: () => void): void {
  const list = typeof needed === 'string' ? [needed] : needed
  const title = `${name} (needs ${list.join(', ')})`
  const lacking = list.flatMap(peer => {
    const why = missing(peer)
    return why ? [`${peerNames[peer]}: ${why}`] : []
  })
  if (lacking.length === 0) describe(title, tests)
  else if (everythingRequired())
    throw new Error(`TEST_REQUIRE=all, but "${name}" cannot run. ${lacking.join('. ')}`)
  else describe.skip(title, tests)
}
