/** One tenant in one file: made while the app runs, read elsewhere exactly as it was, and nothing hostile believed. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createHash, randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openAccount } from '../src/accounts/credential.ts'
import { openReading, type Table, tablesOf } from '../src/db/copy.ts'
import { buildSchema, deleteTenantSchema } from '../src/db/tenants.ts'
import { newId } from '../src/lib/id.ts'
import { exportTenant } from '../src/tenants/export.ts'
import { importTenant } from '../src/tenants/import.ts'
import { openFor, webhookSecret } from '../src/tenants/sealed.ts'
import { exported, fileOf, fillRest, fingerprint, groundOf, type Packed, pack, unpack } from './capsules.ts'
import { type House, openHouse } from './cast.ts'
import { type Served, serve } from './peers/serve.ts'
import { testPassword } from './setup.ts'
import { buildWorld, newPicture, type World } from './world.ts'

setDefaultTimeout(60_000)

const secret = randomBytes(32)
let receiver: Served
let home: House
let away: House
let world: World
let hook: string
let capsule: Awaited<ReturnType<typeof exported>>
beforeAll(async () => {
  receiver = await serve(() => Response.json({ id: '1', url: 'https://site.example/1' }))
  ;[home, away] = await Promise.all([openHouse({ OUTBOUND_ALLOW: new URL(receiver.url).host }), openHouse()])
  world = await buildWorld(home, home.alice, 'northern')
  const made = await home.alice.api('POST', '/accounts', {
    platform: 'webhook',
    settings: { url: `${receiver.url}/hook` },
  })
  hook = made.body.id
  await fillRest(home, world)
  await deleteTenantSchema(away.services.db.owner, away.alice.tenant.id)
  await rm(join(away.services.config.dataDir, 'media'), { recursive: true, force: true })
  capsule = await exported(home, home.alice.tenant.id, secret)
})
afterAll(() => Promise.all([home.close(), away.close(), receiver.stop()]))

const tenant = () => home.alice.tenant
const stateOf = async (house: House, id: string) =>
  (
    await house.services.db
      .owner`select slug, state, state_reason, schema_version from public.tenants where id = ${id}`
  )[0]
/** What resuming does to the row; the command is somebody else's. */
async function resume(house: House, id: string) {
  await house.services.db
    .owner`update public.tenants set state = 'active', state_reason = null where id = ${id}`
  house.services.db.forgetTenant(id)
}
const wordsOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'it was taken',
    error => (error as Error).message,
  )

describe('a capsule', () => {
  test('holds every table, and comes back elsewhere with the checksums it had', async () => {
    expect(capsule.checksums.tables.filter(({ rows }) => rows === 0)).toEqual([])
    expect(capsule.checksums.media.length).toBeGreaterThan(1)
    const made = await importTenant(groundOf(away), { path: capsule.path, secret }, { copy: false })
    expect(made.tenant).toEqual({ id: tenant().id, slug: 'northwind', name: 'Northwind Coffee' })
    expect(await stateOf(away, tenant().id)).toMatchObject({
      state: 'suspended',
      state_reason: expect.stringContaining('resume it when its other copy is stopped'),
    })
    const again = await exported(away, tenant().id, secret)
    expect(again.checksums).toEqual(capsule.checksums)
    expect(again.manifest.tables).toEqual(capsule.manifest.tables)
    expect(await fingerprint(away, tenant().id)).toEqual(await fingerprint(home, tenant().id))
  })

  test('is alive there: people sign in, keys work, secrets open, pictures show, nothing else came along', async () => {
    await resume(away, tenant().id)
    const me = await away.alice.api('GET', '/me')
    expect(me.body).toMatchObject({ tenant: { slug: 'northwind' }, user: { id: home.alice.id } })
    const signIn = { workspace: 'northwind', email: home.bob.email, password: testPassword }
    expect((await away.bob.api('POST', '/sessions', signIn)).status).toBe(201)
    const picture = await away.alice.api('GET', `/media/${world.media}/file`)
    expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/png'])
    const system = { tenantId: tenant().id, userId: null, role: 'system' } as const
    const opened = (house: House) => house.services.db.within(system, scope => openAccount(scope, hook))
    expect((await opened(away)).secret).toEqual((await opened(home)).secret)
    // The touching of changed rows is on again.
    const changed = await away.alice.api('PATCH', '/workspace', { name: 'Northwind Away' })
    expect(changed.status).toBe(200)
    const [row] = await away.services.db.within(
      system,
      ({ sql }) => sql`select updated_at > created_at as touched from workspace`,
    )
    expect(row?.touched).toBe(true)
    const seen = await away.dan.api('GET', `/content/${world.content}`)
    expect(seen.status).toBe(404)
  })

  test('is of one moment, however long it takes and whatever is written meanwhile', async () => {
    const { file, result } = await exportTenant(groundOf(home), tenant().id, secret)
    const late = await home.alice.api('POST', '/content', { text: 'Written while it was made' })
    await new Response(file).bytes()
    const rows = (name: string) => result().checksums.tables.find(table => table.name === name)?.rows
    for (const name of ['content', 'content_versions', 'events'])
      expect({ name, rows: rows(name) }).toEqual({
        name,
        rows: capsule.checksums.tables.find(table => table.name === name)?.rows,
      })
    await home.alice.api('DELETE', `/content/${late.body.id}`)
  })

  test('that nobody reads on leaves no transaction open', async () => {
    const { owner } = home.services.db
    // Enough that it cannot be in the buffers already.
    await home.services.db.within(
      { tenantId: tenant().id, userId: null, role: 'system' },
      ({ sql }) =>
        sql`insert into events (id, type, subject_id, data)
        select gen_random_uuid(), 'workspace.changed', ${tenant().id}, jsonb_build_object('n', g, 'noise', md5(g::text))
        from generate_series(1, 200000) g`,
    )
    const { file } = await exportTenant(groundOf(home), tenant().id, secret)
    const reader = file.getReader()
    await reader.read()
    await reader.cancel()
    const [open] = await owner`
      select count(*)::int as n from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null`
    expect(open?.n).toBe(0)
    await owner`delete from ${owner(`${tenant().schema}.events`)} where data ? 'noise'`
  })

  test('comes to its end wherever the driver’s buffer is full just then', async () => {
    const { owner } = home.services.db
    await owner`create table public.probe as
      select gen_random_uuid() as id, repeat('x', 90) as words from generate_series(1, 4000)`
    const columns = [
      { name: 'id', type: 'uuid' },
      { name: 'words', type: 'text' },
    ]
    for (let round = 0; round < 60; round++) {
      const reading = await openReading(owner)
      let bytes = 0
      for await (const piece of reading.copyOut('public', { name: 'probe', columns })) {
        bytes += piece.length
        await Bun.sleep(1)
      }
      const [row] = await reading.tx`select count(*)::int as n from public.probe`
      expect({ round, bytes }).toEqual({ round, bytes: (row?.n as number) * 128 })
      await reading.end()
      await owner`delete from public.probe where ctid = any(select ctid from public.probe limit 7)`
    }
    await owner`drop table public.probe`
  })

  test('says which picture had no file, and is made and read all the same', async () => {
    const form = new FormData()
    form.append('file', await newPicture())
    const { id } = (await home.alice.api('POST', '/media', form)).body
    await rm(join(home.services.config.dataDir, 'media', tenant().id, id))
    const made = await exported(home, tenant().id, secret)
    expect(made.checksums.missing).toEqual([id])
    const copy = await importTenant(groundOf(home), { path: made.path, secret }, { copy: true, slug: 'gap' })
    expect(copy.checksums.missing).toEqual([id])
    await home.alice.api('DELETE', `/media/${id}`)
  })
})

describe('another workspace of the same capsule', () => {
  test('has an id, secrets and a directory of its own; nobody’s session or key came along', async () => {
    const before = await fingerprint(home, tenant().id)
    const made = await importTenant(
      groundOf(home),
      { path: capsule.path, secret },
      { copy: true, slug: 'second' },
    )
    const { id } = made.tenant
    expect(id).not.toBe(tenant().id)
    await resume(home, id)
    const system = { tenantId: id, userId: null, role: 'system' } as const
    await home.services.db.within(system, async scope => {
      const { sql } = scope
      const [left] = await sql`
        select (select count(*) from sessions) + (select count(*) from api_keys) + (select count(*) from invitations)
          + (select count(*) from idempotency_keys) as n, (select id from workspace) as workspace,
          (select handle from social_accounts where platform = 'feed') as feed`
      expect({ ...left }).toEqual({ n: '0', workspace: id, feed: '/feed/second' })
      const [webhook] = await sql`select id, secret from webhooks where url = 'https://example.com/hook'`
      const plain = openFor(scope.tenant, webhookSecret, webhook ?? {}, webhook?.secret as Uint8Array)
      expect(plain.toString()).toBe('a secret of the hook')
      expect(Object.keys((await openAccount(scope, hook)).secret).length).toBeGreaterThan(0)
    })
    const session = await home.anyone('POST', '/sign-in', {
      email: home.alice.email,
      password: testPassword,
      workspace: 'second',
    })
    expect([session.status, session.location]).toEqual([303, '/w/second'])
    expect((await home.anyone('GET', `/feed/second/posts/${world.published}`)).status).toBe(200)
    expect(await fingerprint(home, tenant().id)).toEqual(before)
    const everything = JSON.stringify(
      await home.services.db.owner`
        select query_to_xml(format('select * from %I.%I', schemaname, tablename), true, false, '')::text as rows
        from pg_tables where schemaname = ${`tenant_${id.replaceAll('-', '_')}`}`,
    )
    expect(everything).toContain('northern')
    expect(everything).not.toContain(tenant().id)
  })

  test('is refused where the workspace or the address is, and the address must be one', async () => {
    const take = (wish: { copy: boolean; slug?: string }) =>
      wordsOf(importTenant(groundOf(home), { path: capsule.path, secret }, wish))
    expect(await take({ copy: false })).toContain('is here already (northwind): add --copy')
    expect(await take({ copy: true })).toContain('The address "northwind" is taken')
    expect(await take({ copy: true, slug: 'southpaw' })).toContain('The address "southpaw" is taken')
    expect(await take({ copy: true, slug: 'Not A Slug' })).toContain('cannot be the address')
  })
})

const text = (body: Uint8Array) => Buffer.from(body).toString()
const withManifest = (entries: readonly Packed[], change: object): Packed[] =>
  entries.map(({ name, body }) =>
    name === 'manifest.json'
      ? { name, body: Buffer.from(JSON.stringify({ ...JSON.parse(text(body)), ...change })) }
      : { name, body },
  )

/** The entries with other words, and checksums that fit them. */
function retold(from: readonly Packed[], change: (name: string, said: string) => string): Packed[] {
  const told = from.map(({ name, body }) => ({
    name,
    body: name.startsWith('media/') ? body : Buffer.from(change(name, text(body))),
  }))
  return told.map(({ name, body }) =>
    name === 'checksums.json' ? { name, body: Buffer.from(resummed(told, text(body))) } : { name, body },
  )
}
function resummed(told: readonly Packed[], said: string): string {
  const sums = JSON.parse(said)
  for (const table of sums.tables) {
    const rows = Buffer.concat(
      told.filter(({ name }) => name.startsWith(`tables/${table.name}/`)).map(({ body }) => body),
    )
    table.bytes = rows.length
    table.rows = rows.toString().split('\n').length - 1
    table.sha256 = createHash('sha256').update(rows).digest('hex')
  }
  return JSON.stringify(sums)
}

/** The tables as they were at a migration level. */
async function tablesAt(level: number): Promise<Table[]> {
  const schema = `scratch_${newId().replaceAll('-', '_')}`
  let tables: Table[] = []
  await home.services.db.owner
    .begin(async tx => {
      await buildSchema(tx, schema, level, null)
      tables = await tablesOf(tx, schema)
      throw new Error('that was all')
    })
    .catch(() => {})
  return tables
}

test('a capsule of an older level is lifted to this one', async () => {
  const then = await tablesAt(2)
  expect(then.length).toBeGreaterThan(20)
  const [first] = await unpack(capsule.path, secret)
  const now: Table[] = JSON.parse(text(first?.body ?? new Uint8Array())).tables
  const oldTable = (name: string) => then.find(table => table.name === name)
  const known = now.filter(({ name }) => oldTable(name))
  const had = (name: string, column: string) =>
    oldTable(name)?.columns.some(one => one.name === column) === true
  const tables = known.map(({ name, columns }) => ({
    name,
    columns: columns.filter(one => had(name, one.name)),
  }))
  const entries = (await unpack(capsule.path, secret)).filter(({ name }) => {
    const table = name.split('/')[1]
    return !name.startsWith('tables/') || oldTable(table ?? '')
  })
  const older = retold(entries, (name, said) => {
    if (name === 'manifest.json') return JSON.stringify({ ...JSON.parse(said), level: 2, tables })
    if (name === 'checksums.json') {
      const sums = JSON.parse(said)
      return JSON.stringify({ ...sums, tables: sums.tables.filter((sum: Table) => oldTable(sum.name)) })
    }
    const table = now.find(one => name.startsWith(`tables/${one.name}/`))
    if (!table) return said
    // A kind of notification that the level did not know yet: the way down makes a comment of it.
    const told = (cell: string, at: number) =>
      table.name === 'notifications' && table.columns[at]?.name === 'kind' && cell === 'brake'
        ? 'comment'
        : cell
    const fewer = (row: string) =>
      row
        .split('\t')
        .map(told)
        .filter((_, at) => had(table.name, table.columns[at]?.name ?? ''))
        .join('\t')
    return said
      .split('\n')
      .map(row => (row ? fewer(row) : row))
      .join('\n')
  })
  const old = await pack(older, secret)
  const made = await importTenant(groundOf(home), { path: old, secret }, { copy: true, slug: 'older' })
  const { id } = made.tenant
  const [there] = await home.services.db.owner`select max(number)::int as level from public.migrations`
  expect(made.level).toEqual({ from: 2, to: there?.level })
  expect((await stateOf(home, id))?.schema_version).toBe(there?.level)
  const copy = await exported(home, id, secret)
  expect(copy.manifest.tables.flatMap(({ columns }) => columns.map(({ name }) => name)).sort()).toEqual(
    now.flatMap(({ columns }) => columns.map(({ name }) => name)).sort(),
  )
  await home.services.db.within({ tenantId: id, userId: null, role: 'system' }, async ({ sql }) => {
    const held = await sql`update publish_jobs set held_for = 'late', state = 'held' returning id`
    expect(held.length).toBeGreaterThan(0)
  })
})

describe('what is no whole capsule of ours is refused in a sentence, and nothing of it is left', () => {
  /** A fresh id, so that the capsule would be taken if it were right. */
  let fresh: string
  let entries: Packed[]
  beforeAll(async () => {
    fresh = newId()
    entries = retold(await unpack(capsule.path, secret), (name, said) =>
      /^(manifest|tables\/(workspace|events))/.test(name) ? said.replaceAll(tenant().id, fresh) : said,
    )
  })

  const put = (
    at: number,
    ...more: (Packed | { name: string; bytes: number; body: ReadableStream<Uint8Array> })[]
  ) => [...entries.slice(0, at), ...more, ...entries.slice(at)]
  const manifest = () => JSON.parse(text(entries[0]?.body ?? new Uint8Array()))
  const tables = (
    change: (tables: { name: string; columns: { name: string; type: string }[] }[]) => void,
  ) => {
    const { tables } = manifest()
    change(tables)
    return withManifest(entries, { tables })
  }
  const zeros = (bytes: number) => {
    let left = bytes
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        if (left <= 0) return controller.close()
        const piece = Math.min(left, 1 << 20)
        left -= piece
        controller.enqueue(new Uint8Array(piece))
      },
    })
  }
  const json = (name: string, value: unknown): Packed => ({ name, body: Buffer.from(JSON.stringify(value)) })
  const within = (name: string, change: (said: string) => string) =>
    retold(entries, (entry, said) => (entry.startsWith(name) ? change(said) : said))
  const here = { name: `media/${newId()}`, body: Buffer.from('x') }

  async function refused(path: string, words: string | RegExp, using: string | Buffer = secret) {
    const before = await marks()
    expect(
      await wordsOf(importTenant(groundOf(home), { path, secret: using }, { copy: false, slug: 'fresh' })),
    ).toMatch(words)
    expect(await marks()).toEqual(before)
  }
  /** What an import that went wrong could leave. */
  async function marks() {
    const { owner } = home.services.db
    const [row] = await owner`
      select (select count(*) from public.tenants)::int as tenants, (select count(*) from pg_namespace)::int as schemas,
        (select count(*) from pg_roles where rolname = ${`tenant_${fresh.replaceAll('-', '_')}`})::int as roles,
        (select count(*) from public.sign_in_directory)::int as directory, (select count(*) from public.tenant_due)::int as due`
    const files: string[] = []
    for await (const { path } of groundOf(home).storage.list('media/')) files.push(path)
    return { ...row, files: files.length }
  }

  test('cut off, changed, of another passphrase, or something else', async () => {
    const file = await Bun.file(await pack(entries, secret)).bytes()
    for (const share of [0, 0.05, 0.5, 0.95, 0.9999])
      await refused(await fileOf(file.subarray(0, Math.floor(file.length * share))), /damaged|no archive/)
    for (const at of [10, 300, Math.floor(file.length / 2), file.length - 1]) {
      const changed = Uint8Array.from(file)
      changed[at] = (changed[at] ?? 0) ^ 4
      await refused(await fileOf(changed), /damaged|no archive|does not open/)
    }
    await refused(await pack(entries, secret), 'does not open', randomBytes(32))
    await refused(await fileOf(Buffer.from('%PDF-1.7 a paper')), /no archive/)
    await refused(await pack([here], secret), 'manifest.json is not where it belongs')
  })

  test('too new', async () => {
    await refused(
      await pack(withManifest(entries, { version: 2, more: 'of it' }), secret),
      'with a newer version of Masthead',
    )
    await refused(await pack(withManifest(entries, { level: 99 }), secret), 'upgrade this one first')
  })

  test.each<
    [
      string,
      () => (Packed | { name: string; bytes: number; body: ReadableStream<Uint8Array> })[],
      string | RegExp,
    ]
  >([
    [
      'a table more',
      () => tables(all => all.push({ name: 'spies', columns: [{ name: 'id', type: 'uuid' }] })),
      /its own checksums|not those of its/,
    ],
    ['a table less', () => tables(all => all.pop()), /does not hold|its own checksums/],
    [
      'a column that is not',
      () => tables(all => all[0]?.columns.push({ name: 'spy', type: 'text' })),
      'not those of its migration level (users.spy)',
    ],
    [
      'a column of another type',
      () =>
        tables(all => {
          if (all[0]?.columns[0]) all[0].columns[0].type = 'text'
        }),
      'not those of its migration level',
    ],
    [
      'a table of another schema',
      () =>
        tables(all => {
          if (all[0]) all[0].name = 'public.tenants'
        }),
      'its manifest cannot be read (tables.0.name)',
    ],
    [
      'a name that is SQL',
      () =>
        tables(all => {
          if (all[0]?.columns[0]) all[0].columns[0].name = 'id) from public.tenants--'
        }),
      'its manifest cannot be read',
    ],
    [
      'a tenant id that is a path',
      () => withManifest(entries, { tenant: { ...manifest().tenant, id: '../../etc' } }),
      'cannot be read (tenant.id)',
    ],
    [
      'a word that no manifest has',
      () => withManifest(entries, { schema: 'public' }),
      'its manifest cannot be read',
    ],
    [
      'rows of a table that it does not name',
      () => put(3, { name: 'tables/spies/000001', body: here.body }),
      'does not hold',
    ],
    [
      'rows for a path outside',
      () => put(3, { name: 'tables/users/../../x', body: here.body }),
      'does not hold',
    ],
    ['parts out of order', () => put(3, { name: 'tables/events/000002', body: here.body }), 'out of order'],
    [
      'a table after the one behind it',
      () => put(entries.length - 1, { name: 'tables/workspace/000002', body: here.body }),
      /out of order|does not hold/,
    ],
    [
      'a picture outside the folder',
      () => put(entries.length - 1, { name: 'media/../../x', body: here.body }),
      'does not hold',
    ],
    [
      'a picture at the root',
      () => put(entries.length - 1, { name: '/etc/passwd', body: here.body }),
      'does not hold',
    ],
    ['a picture twice', () => put(entries.length - 1, here, here), 'twice'],
    ['a picture that the checksums do not name', () => put(entries.length - 1, here), 'its own checksums'],
    [
      'a huge picture',
      () => put(entries.length - 1, { name: here.name, bytes: 65_000_000, body: zeros(65_000_000) }),
      'too large',
    ],
    [
      'pictures that unpack to far more than they weigh',
      () =>
        put(
          entries.length - 1,
          ...[1, 2, 3].map(() => ({ name: `media/${newId()}`, bytes: 30_000_000, body: zeros(30_000_000) })),
        ),
      'too large',
    ],
    [
      'a huge manifest',
      () => [{ name: 'manifest.json', bytes: 2_000_000, body: zeros(2_000_000) }],
      'too large',
    ],
    ['something after the checksums', () => [...entries, here], 'something follows'],
    ['no checksums', () => entries.slice(0, -1), 'checksums are missing'],
    [
      'checksums of something else',
      () =>
        entries.map(one =>
          one.name === 'checksums.json'
            ? {
                name: one.name,
                body: Buffer.from(text(one.body).replace(/"sha256":"./, '"sha256":"z'.replace('z', '0'))),
              }
            : one,
        ),
      /its own checksums|it was taken/,
    ],
    [
      'no keys',
      () => entries.filter(({ name }) => name !== 'keys.json'),
      'keys.json is not where it belongs',
    ],
    [
      'keys that contradict each other',
      () =>
        entries.map(one =>
          one.name === 'keys.json' ? json('keys.json', { ...JSON.parse(text(one.body)), current: 7 }) : one,
        ),
      'contradict',
    ],
    [
      'a value of no such type',
      () => within('tables/users/', said => said.replace(/^[0-9a-f]{8}/, 'nonsense')),
      'do not fit its tables',
    ],
    ['rows that belong to nothing', () => within('tables/users/', () => ''), 'do not fit its tables'],
    [
      'a role that is none',
      () => within('tables/users/', said => said.replace('\towner\t', '\temperor\t')),
      'do not fit its tables',
    ],
    [
      'rows behind an early end',
      () => within('tables/teams/', said => `\\.\n${said}`),
      /did not arrive|do not fit/,
    ],
    [
      'a value in other words than PostgreSQL’s',
      () => within('tables/teams/', said => said.replace(/^[^\t]+/, id => id.toUpperCase())),
      'did not arrive as they are',
    ],
    [
      'the workspace of somebody else',
      () => within('tables/workspace/', said => said.replace(fresh, newId())),
      'of another workspace than it says',
    ],
  ])('%s', async (_, made, words) => {
    await refused(await pack(made(), secret), words)
  })

  test('and the same capsule, left as it was, is taken', async () => {
    const path = await pack(entries, secret)
    const made = await importTenant(groundOf(home), { path, secret }, { copy: false, slug: 'fresh' })
    expect(made.tenant.id).toBe(fresh)
  })
})
