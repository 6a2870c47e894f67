import { randomBytes } from 'node:crypto'
import type { TransactionSql } from 'postgres'
import { cloneSchema } from './clone.ts'
import { compareInventories, type Difference, takeInventory } from './inventory.ts'
import { connectionLost } from './lanes.ts'
import { type Migration, statementsOf } from './migrations.ts'
import type { Sql } from './pool.ts'

export interface Rehearsal extends Difference {
  /** Why it failed, with the migration's name; null when everything went through. */
  failed: { migration: string; reason: string } | null
  /** Reads that every workspace lives by and that are not possible afterwards, in words. */
  unreadable: string[]
  /** How long the migrations took, in milliseconds. */
  ms: number
}

/**
 * Rehearses migrations on a copy of a tenant with its data, or of the shared tables. Everything happens in one
 * transaction that is never committed: nobody sees the copy, and whatever ends the rehearsal takes it away. The live
 * tables are read only; where shared ones would change, their copy does.
 *
 * What it cannot see: how a change of a shared function meets the tenants' defaults, and how long the live tables are
 * locked by others.
 *
 * @param schema the tenant's, or `public`
 * @param pending what is to be applied, in order; for `public` those of tenants are passed over
 */
export async function rehearse(
  owner: Sql,
  schema: string,
  pending: readonly Migration[],
): Promise<Rehearsal> {
  const scratch = { schema: scratchName(), shared: scratchName() }
  const shared = schema === 'public'
  const takesPart = pending.filter(({ side }) => !shared || side === 'public')
  let result: Rehearsal = {
    failed: null,
    lost: [],
    changed: [],
    unreadable: [],
    written: 0,
    ms: 0,
  }
  await owner
    .begin('isolation level repeatable read', async tx => {
      await cloneSchema(tx, schema, scratch.schema)
      // Tenant migrations may need what shared ones bring: these then get the shape of the shared tables to work on.
      const sharedTo = shared ? scratch.schema : scratch.shared
      const replaceShared = takesPart.some(({ side }) => side === 'public')
      if (replaceShared && !shared) await cloneSchema(tx, 'public', sharedTo, false)
      const before = await takeInventory(tx, scratch.schema)
      const readBefore = shared ? [] : await readKeys(tx, scratch.schema)
      const begun = performance.now()
      for (const migration of takesPart) {
        try {
          await apply(tx, migration, scratch.schema, replaceShared ? sharedTo : 'public')
        } catch (error) {
          if (connectionLost(error)) throw error
          const reason = inLiveNames((error as Error).message, schema, scratch)
          result.failed = { migration: migration.name, reason }
          throw rolledBack
        }
      }
      result.ms = performance.now() - begun
      const difference = compareInventories(before, await takeInventory(tx, scratch.schema))
      const reads = shared ? [] : compareReads(readBefore, await readKeys(tx, scratch.schema))
      result = {
        ...result,
        ...difference,
        changed: [...difference.changed, ...reads.flatMap(({ differs }) => differs ?? [])],
        unreadable: reads.flatMap(({ unreadable }) => unreadable ?? []),
      }
      throw rolledBack
    })
    .catch(error => {
      if (error !== rolledBack) throw error
    })
  return result
}

const rolledBack = new Error('a rehearsal is never kept')

/** No tenant's schema can have such a name: theirs begin with `tenant_`. */
const scratchName = () => `masthead_rehearsal_${randomBytes(8).toString('hex')}`

/** Roles are left out: what is granted to the tenant or the app goes to everybody, and nobody can enter the copy. */
async function apply(
  tx: TransactionSql,
  migration: Migration,
  schema: string,
  shared: string,
): Promise<void> {
  const text = (migration.side === 'public' ? migration.up.replaceAll('{app}', 'public') : migration.up)
    .replaceAll(/\b(to|from)(\s+)\{schema\}(?![.\w])/gi, '$1$2public')
    .replaceAll('{schema}', schema)
    .replaceAll(/\bpublic\./g, `${shared}.`)
  if (migration.side === 'public') await tx.unsafe(text).simple()
  else await Promise.all(statementsOf(text).map(statement => tx.unsafe(statement)))
}

const inLiveNames = (text: string, schema: string, scratch: { schema: string; shared: string }) =>
  text.replaceAll(scratch.schema, schema).replaceAll(scratch.shared, 'public')

/** What a workspace lives by, read as this version of the code knows it. */
const keyReads: Readonly<Record<string, string>> = {
  'the newest posts': `
    select c.id, c.state, v.text, c.tags from {schema}.content c
    join {schema}.content_versions v on v.id = c.version_id order by c.updated_at desc, c.id limit 50`,
  'a month of the calendar': `
    select j.id, j.content_id, j.account_id, j.state, j.run_at, j.local, j.zone from {schema}.publish_jobs j
    where j.run_at >= (select date_trunc('month', max(run_at)) from {schema}.publish_jobs)
    order by j.run_at, j.id limit 1000`,
  'the accounts': `
    select id, platform, name, handle, state from {schema}.social_accounts
    where removed_at is null order by id`,
}

interface KeyRead {
  name: string
  /** null where it cannot be read. */
  answer: string | null
  why: string
}

async function readKeys(tx: TransactionSql, schema: string): Promise<KeyRead[]> {
  const answers: KeyRead[] = []
  for (const [name, text] of Object.entries(keyReads)) {
    const read = tx.savepoint(save => save.unsafe(text.replaceAll('{schema}', schema)))
    answers.push(
      await read.then(
        rows => ({ name, answer: JSON.stringify(rows), why: '' }),
        (error: Error) => ({ name, answer: null, why: error.message.replaceAll(schema, 'its schema') }),
      ),
    )
  }
  return answers
}

function compareReads(
  before: readonly KeyRead[],
  after: readonly KeyRead[],
): { differs?: string; unreadable?: string }[] {
  return after.map(({ name, answer, why }, at) => {
    if (answer === null) return { unreadable: `${name} cannot be read afterwards (${why})` }
    const was = before[at]?.answer ?? null
    return was === null || was === answer ? {} : { differs: `${name} read otherwise than before` }
  })
}
