import { setTriggers, type Tx } from '../db/copy.ts'
import { stopDue } from '../db/due.ts'
import { aloneOrNot } from '../db/lanes.ts'
import { claimSlug, deleteTenantSchema, liftSchema, schemaNameOf, standing, wrapKey } from '../db/tenants.ts'
import { Conflict } from '../errors.ts'
import { newId } from '../lib/id.ts'
import type { KeyRing } from '../lib/seal.ts'
import type { Checksums, Manifest } from './capsule.ts'
import { type Ground, unwatched, type Watch } from './ground.ts'
import { type CapsuleFile, loadTables, opened, resealTables, watched } from './load.ts'
import { peek, type Read, readCapsule } from './read.ts'

export interface Imported {
  tenant: { id: string; slug: string; name: string }
  /** The migration level that the capsule was made at, and the one it was lifted to. */
  level: { from: number; to: number }
  checksums: Checksums
  /** Of the file. */
  bytes: number
  /** Of what is in it: rows as text, and pictures. */
  contentBytes: number
  seconds: number
}

interface Target {
  id: string
  slug: string
  manifest: Manifest
  keys: KeyRing
}

/** What its people read, and the operator, until it is resumed. */
const reason = (madeAt: string) =>
  `Imported from a capsule of ${madeAt.slice(0, 16).replace('T', ' ')} UTC: resume it when its other copy is stopped, else both would post.`

/**
 * Makes a tenant of a capsule. Its row holds the address (`creating`) while the capsule is checked whole and the
 * pictures are put in place; then its tables are loaded, read back and lifted in one transaction. It ends suspended.
 * Whatever goes wrong, nothing is left; cut off by a crash, nothing of it is served and the next import starts over.
 *
 * @param wish another address than it had; a second workspace beside the one the capsule was made from
 * @throws Stop in words for a capsule that is not right, Invalid or Conflict for an address that cannot be had, Conflict
 *   when the workspace is here already
 */
export async function importTenant(
  ground: Ground,
  file: CapsuleFile,
  wish: { slug?: string | undefined; copy: boolean },
  watch: Watch = unwatched,
): Promise<Imported> {
  const started = performance.now()
  const { owner } = ground.db
  const { level } = (await owner.begin(tx => standing(tx))) as { level: number }
  const { manifest, keys } = await peek(file.secret, opened(file), level)
  const id = wish.copy ? newId() : manifest.tenant.id
  const target: Target = { id, slug: wish.slug ?? manifest.tenant.slug, manifest, keys }
  const done = await aloneOrNot(owner, `masthead tenant ${id}`, async () => {
    await claim(ground, target)
    try {
      const checked = await readCapsule(file.secret, watched(opened(file), 'checking', watch), level, {
        picture: (name, body) => ground.storage.write(`media/${id}/${name}`, body),
      })
      return { checked, to: await fill(ground, target, file, checked, watch) }
    } catch (error) {
      await clear(ground, id)
      throw error
    }
  })
  if (!done) throw new Conflict('Another command is at work on this workspace just now. Try again later.')
  ground.db.forgetTenant(id)
  const { checked, to } = done.result
  const { checksums } = checked
  return {
    tenant: { id, slug: target.slug, name: manifest.tenant.name },
    level: { from: manifest.level, to },
    checksums,
    bytes: opened(file).bytes,
    contentBytes: [...checksums.tables, ...checksums.media].reduce((sum, { bytes }) => sum + bytes, 0),
    seconds: (performance.now() - started) / 1000,
  }
}

/** Takes id and address. What an import that was cut off has left is cleared away; call it with the tenant's lock held. */
async function claim(ground: Ground, { id, slug, keys, manifest }: Target): Promise<void> {
  const { owner } = ground.db
  const [there] = await owner`select slug, state from public.tenants where id = ${id}`
  if (there && there.state !== 'creating')
    throw new Conflict(
      `The workspace of this capsule is here already (${there.slug}): add --copy and --slug for a second one beside it, or use tenant rewind to put it back.`,
    )
  if (there) await clear(ground, id)
  await clearCutOff(ground, slug)
  const wrap = (key: Buffer) => wrapKey(ground.secret, id, key)
  await owner.begin(async tx => {
    await claimSlug(tx, slug, id)
    await tx`
      insert into public.tenants (id, slug, schema_name, data_key, key_id)
      values (${id}, ${slug}, ${schemaNameOf(id)}, ${wrap(keys.current.key)}, ${keys.current.id})`
    for (const [keyId, key] of keys.others)
      await tx`
        insert into public.tenant_keys (tenant_id, key_id, data_key, retired_at, resealed_at)
        values (${id}, ${keyId}, ${wrap(key)}, ${manifest.madeAt}, now())`
  })
}

/** An import that died holds its address; one that is under way holds its lock. */
async function clearCutOff(ground: Ground, slug: string): Promise<void> {
  const { owner } = ground.db
  const [left] = await owner`
    select id from public.tenants
    where slug = ${slug} and state = 'creating' and created_at < now() - interval '10 minutes'`
  if (left) await aloneOrNot(owner, `masthead tenant ${left.id}`, () => clear(ground, left.id as string))
}

async function clear({ db, storage }: Ground, id: string): Promise<void> {
  await storage.removeFolder(`media/${id}/`)
  await deleteTenantSchema(db.owner, id)
}

/** The tables, and what the instance knows of the tenant, in one transaction. @returns the level it was lifted to */
async function fill(
  ground: Ground,
  target: Target,
  file: CapsuleFile,
  checked: Read,
  watch: Watch,
): Promise<number> {
  const { db } = ground
  const { id, slug, manifest, keys } = target
  const schema = schemaNameOf(id)
  return (await db.owner.begin(async tx => {
    // Held to the end: nobody takes this for a creation that was given up.
    const [held] = await tx`select 1 from public.tenants where id = ${id} for update`
    if (!held) throw new Conflict(`The address "${slug}" was taken meanwhile. Choose another one.`)
    const tables = await loadTables(tx, schema, db.appRole, file, checked, watch)
    const { level } = await standing(tx)
    await liftSchema(tx, schema, manifest.level, level)
    if (id !== manifest.tenant.id) await rebind(tx, schema, { id: manifest.tenant.id, keys }, { id, keys })
    if (slug !== manifest.tenant.slug)
      await tx`
        update ${tx(`${schema}.social_accounts`)} set handle = ${`/feed/${slug}`} where platform = 'feed'`
    await tx`
      update ${tx(`${schema}.deliveries`)} set state = 'failed', next_try_at = null, lease_until = null,
        ended_at = public.clock(), answer = ${tx.json({ words: 'The workspace was brought here while this waited. Send it again if it has not arrived.' })}
      where kind = 'webhook' and state in ('waiting', 'sending')`
    await setTriggers(tx, schema, tables, 'enable')
    await tx`insert into public.tenant_due (tenant_id, role) values (${id}, ${schema})`
    await stopDue(tx, id)
    await enterDirectory(ground, tx, id, schema)
    await tx`
      update public.tenants set state = 'suspended', state_reason = ${reason(manifest.madeAt)},
        suspended_at = public.clock(), schema_version = ${level} where id = ${id}`
    return level
  })) as number
}

/**
 * Makes the rows another tenant's. Sessions, keys and links of the other name it in what their holders have, and so do
 * mails that are not sent yet: they are of no use here.
 */
async function rebind(
  tx: Tx,
  schema: string,
  from: Pick<Target, 'id' | 'keys'>,
  to: Pick<Target, 'id' | 'keys'>,
): Promise<void> {
  for (const table of ['sessions', 'api_keys', 'invitations'])
    await tx`delete from ${tx(`${schema}.${table}`)}`
  await tx`delete from ${tx(`${schema}.deliveries`)} where kind = 'mail' and state in ('waiting', 'sending')`
  await tx`
    update ${tx(`${schema}.webhooks`)} set state = 'disabled',
      state_reason = 'This workspace is a copy. Switch it on where its receiver shall be told of the copy too.'`
  await tx`update ${tx(`${schema}.workspace`)} set id = ${to.id}`
  await tx`update ${tx(`${schema}.events`)} set subject_id = ${to.id} where subject_id = ${from.id}`
  await resealTables(tx, schema, from, to)
}

/** Who may sign in here, by keyed hashes of this instance. */
async function enterDirectory({ db }: Ground, tx: Tx, id: string, schema: string): Promise<void> {
  const people = await tx`select email from ${tx(`${schema}.users`)} where removed_at is null`
  const hashes = people.map(({ email }) => db.hashAddress(email as string).toString('hex'))
  await tx`
    insert into public.sign_in_directory (address_hash, role, tenant_id)
    select decode(hash, 'hex'), ${schema}, ${id} from unnest(${hashes}::text[]) hash
    on conflict do nothing`
}
