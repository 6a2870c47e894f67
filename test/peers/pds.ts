/** A real Bluesky PDS for one test file, and the few questions a test asks it from outside the app. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findNode } from './pds/install.ts'
import { type Child, startChild } from './processes.ts'

export interface PdsAccount {
  did: string
  handle: string
  password: string
  appPassword: string
}

export interface PdsRecord {
  uri: string
  cid: string
  rkey: string
  /** The record as it is stored: for a post `text`, `createdAt`, `facets`, `embed`, … */
  value: Record<string, unknown>
}

export interface Pds {
  url: string
  plcUrl: string
  pid: number
  /** `handle` without its domain, 3-18 letters or digits: `anna` becomes `anna.test`. */
  createAccount(handle: string): Promise<PdsAccount>
  /** Every record of the collection (default: posts), oldest first: what the network holds, whatever the app believes. */
  records(did: string, collection?: string): Promise<PdsRecord[]>
  getBlob(did: string, cid: string): Promise<{ type: string; bytes: Uint8Array }>
  /** The revision of the account's repository; it moves with every write that changed something. */
  revision(did: string): Promise<string>
  revokeAppPassword(account: PdsAccount): Promise<void>
  /** A new app password for an account whose former one was revoked. */
  renewAppPassword(account: PdsAccount): Promise<string>
  stop(): Promise<void>
}

/** Starts PDS and PLC directory in one Node process on free ports of 127.0.0.1 (about 2 s). `rateLimits` switches on the real ones. */
export async function startPds(options: { rateLimits?: boolean } = {}): Promise<Pds> {
  const node = findNode()
  if (typeof node === 'string') throw new Error(`The PDS cannot start: ${node}`)
  const folder = mkdtempSync(join(tmpdir(), 'masthead-pds-'))
  const script = join(import.meta.dir, 'pds', 'server.cjs')
  const start = () =>
    startChild({
      name: 'PDS',
      command: [node.path, script, folder, '0', '0', ...(options.rateLimits ? ['--rate-limits'] : [])],
      ready: output => /^\{"url".*\}$/m.test(output),
    })
  const child = await start().catch(error => {
    if (!String(error).includes('EADDRINUSE')) throw error
    return start()
  })
  return pdsAt(child, folder)
}

function pdsAt(child: Child, folder: string): Pds {
  const line = /^\{"url".*\}$/m.exec(child.output())?.[0] ?? '{}'
  const { url, plcUrl } = JSON.parse(line) as { url: string; plcUrl: string }

  async function call(method: 'GET' | 'POST', name: string, input: Record<string, string>, token?: string) {
    const query = method === 'GET' ? `?${new URLSearchParams(input)}` : ''
    const response = await fetch(`${url}/xrpc/${name}${query}`, {
      method,
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      ...(method === 'POST' ? { body: JSON.stringify(input) } : {}),
    })
    if (!response.ok) throw new Error(`PDS ${name}: ${response.status} ${await response.text()}`)
    return response
  }
  const session = async (account: PdsAccount) => {
    const answer = await call('POST', 'com.atproto.server.createSession', {
      identifier: account.handle,
      password: account.password,
    })
    return ((await answer.json()) as { accessJwt: string }).accessJwt
  }

  const appPasswordFor = async (accessJwt: string) => {
    const made = await call('POST', 'com.atproto.server.createAppPassword', { name: 'masthead' }, accessJwt)
    return ((await made.json()) as { password: string }).password
  }

  return {
    url,
    plcUrl,
    pid: child.pid,
    async createAccount(name) {
      const handle = `${name}.test`
      const password = crypto.randomUUID()
      const made = await call('POST', 'com.atproto.server.createAccount', {
        handle,
        password,
        email: `${name}@example.com`,
      })
      const { did, accessJwt } = (await made.json()) as { did: string; accessJwt: string }
      return { did, handle, password, appPassword: await appPasswordFor(accessJwt) }
    },
    async records(did, collection = 'app.bsky.feed.post') {
      const all: PdsRecord[] = []
      let cursor: string | undefined
      do {
        const page = await call('GET', 'com.atproto.repo.listRecords', {
          repo: did,
          collection,
          limit: '100',
          reverse: 'true',
          ...(cursor ? { cursor } : {}),
        })
        const body = (await page.json()) as { records: Omit<PdsRecord, 'rkey'>[]; cursor?: string }
        all.push(...body.records.map(record => ({ ...record, rkey: record.uri.split('/').at(-1) ?? '' })))
        cursor = body.records.length > 0 ? body.cursor : undefined
      } while (cursor)
      return all
    },
    async getBlob(did, cid) {
      const answer = await call('GET', 'com.atproto.sync.getBlob', { did, cid })
      return { type: answer.headers.get('content-type') ?? '', bytes: await answer.bytes() }
    },
    async revision(did) {
      const answer = await call('GET', 'com.atproto.sync.getLatestCommit', { did })
      return ((await answer.json()) as { rev: string }).rev
    },
    async revokeAppPassword(account) {
      await call('POST', 'com.atproto.server.revokeAppPassword', { name: 'masthead' }, await session(account))
    },
    renewAppPassword: async account => appPasswordFor(await session(account)),
    async stop() {
      await child.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
