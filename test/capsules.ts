import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Entry, readArchive, writeArchive } from '../src/lib/archive.ts'
import { newId } from '../src/lib/id.ts'
import { exportTenant } from '../src/tenants/export.ts'
import { type Ground, groundOf as groundOfServices } from '../src/tenants/ground.ts'
import { sealFor, webhookSecret } from '../src/tenants/sealed.ts'
import type { House } from './cast.ts'
import type { World } from './world.ts'

export const groundOf = ({ services }: House): Ground => groundOfServices(services)

/** One row in each table that `buildWorld` leaves empty. */
export async function fillRest(house: House, { person, account, job, content }: World): Promise<void> {
  await person.api('POST', '/content', { text: 'Asked for once' }, { 'idempotency-key': newId() })
  await person.api('POST', '/forecasts')
  const approved = (await person.api('POST', '/content', { text: 'Sealed' })).body.id
  await person.api('POST', `/content/${approved}/submission`)
  await person.api('POST', `/content/${approved}/approval`)
  const actor = { tenantId: person.tenant.id, userId: person.id, role: 'owner' } as const
  await house.services.db.within(actor, async ({ sql, tenant }) => {
    const [team, webhook] = [newId(), newId()]
    await sql`insert into teams (id, name) values (${team}, 'Roastery')`
    await sql`insert into team_members (id, team_id, user_id) values (${newId()}, ${team}, ${person.id})`
    await sql`update social_accounts set team_id = ${team} where id = ${account}`
    await sql`
      insert into analytics (id, job_id, metric, value) values (${newId()}, ${job}, 'likes', 9007199254740993)`
    const secret = sealFor(tenant, webhookSecret, { id: webhook }, 'a secret of the hook')
    await sql`
      insert into webhooks (id, url, secret, events) values (${webhook}, 'https://example.com/hook', ${secret}, '{a,"b,c"}')`
    await sql`
      insert into deliveries (id, kind, webhook_id, state, body)
      values (${newId()}, 'webhook', ${webhook}, 'delivered', ${sql.json({ said: 'back\\slash\ttab\nline "quoted" 😀' })})`
    await sql`
      insert into drafts (id, user_id, content_id, body) values (${newId()}, ${person.id}, ${content}, ${sql.json({ text: 'half a thought' })})`
    await sql`
      insert into rehearsal_posts (id, account_id, key, text, images)
      values (${newId()}, ${account}, ${newId()}, ${'\\. \\N \\\\ tab\t end'}, ${sql.json([])})`
  })
}

const folder = mkdtempSync(join(tmpdir(), 'masthead-capsules-'))

/** Puts bytes into a file of their own. */
export async function fileOf(bytes: Uint8Array | ReadableStream<Uint8Array>): Promise<string> {
  const path = join(folder, `${newId()}.capsule`)
  await Bun.write(path, new Response(bytes as Uint8Array<ArrayBuffer>))
  return path
}

export async function exported(house: House, tenantId: string, secret: string | Buffer) {
  const { file, result } = await exportTenant(groundOf(house), tenantId, secret)
  return { path: await fileOf(file), ...result() }
}

export interface Packed {
  name: string
  body: Uint8Array
}

export async function unpack(path: string, secret: string | Buffer): Promise<Packed[]> {
  const entries: Packed[] = []
  for await (const { name, body } of readArchive(secret, Bun.file(path).stream()))
    entries.push({ name, body: await new Response(body).bytes() })
  return entries
}

export async function pack(entries: readonly (Packed | Entry)[], secret: string | Buffer): Promise<string> {
  async function* all(): AsyncGenerator<Entry> {
    for (const entry of entries) yield 'bytes' in entry ? entry : { ...entry, bytes: entry.body.length }
  }
  return fileOf(await writeArchive(secret, all()))
}

/** A hash a table of everything a tenant has, and of what the instance knows of it. */
export async function fingerprint(house: House, tenantId: string): Promise<Record<string, string>> {
  const { owner } = house.services.db
  const schema = `tenant_${tenantId.replaceAll('-', '_')}`
  const tables = await owner`select tablename from pg_tables where schemaname = ${schema} order by 1`
  const prints: Record<string, string> = {}
  for (const { tablename } of tables) {
    const [row] = await owner`
      select count(*)::text || ' ' || md5(coalesce(string_agg(md5(t::text), '' order by t.id), '')) as print
      from ${owner(`${schema}.${tablename}`)} t`
    prints[tablename as string] = row?.print as string
  }
  const [directory] = await owner`
    select string_agg(encode(address_hash, 'hex'), ',' order by address_hash) as hashes
    from public.sign_in_directory where tenant_id = ${tenantId}`
  return { ...prints, directory: String(directory?.hashes) }
}
