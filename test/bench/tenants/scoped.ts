/** What the scope costs: one query inside `within` beside the same query without scope or transaction. */
import { load } from '../figures.ts'
import type { Ground } from './ground.ts'

const sliceMs = 200
const callers = 16

export interface ScopedFigure {
  tenants: number
  plainPerSecond: number
  scopedPerSecond: number
  ratio: number
}

/** A table of the same shape that the app's login may read without a scope. */
export async function makePlainTable({ db }: Ground): Promise<void> {
  await db.owner.unsafe('create schema if not exists bench')
  await db.owner.unsafe(
    'create table if not exists bench.content (id uuid primary key, state text not null, updated_at timestamptz not null default now())',
  )
  await db.owner.unsafe('create index if not exists content_updated on bench.content (updated_at desc)')
  await db.owner.unsafe(
    `insert into bench.content (id, state) select gen_random_uuid(), case when n % 2 = 0 then 'draft' else 'approved' end
     from generate_series(1, 10) n where not exists (select 1 from bench.content)`,
  )
  await db.owner.unsafe(`grant usage on schema bench to "${db.appRole}"`)
  await db.owner.unsafe(`grant select on bench.content to "${db.appRole}"`)
}

/**
 * Sixteen callers, tenants at random; the two forms take turns in slices of 200 ms, so that what else the machine does
 * meets both alike.
 * @param among how many of the tenants are visited
 */
export async function scopedRead(ground: Ground, among: number, seconds: number): Promise<ScopedFigure> {
  const { db, tenants } = ground
  const visited = tenants.slice(0, among)
  const someone = () => visited[Math.floor(Math.random() * visited.length)] as string
  const forms = {
    async plain() {
      await db.sql`select id, state, updated_at from bench.content where state = ${'draft'} order by updated_at desc limit 10`
    },
    async scoped() {
      await db.within(
        { tenantId: someone(), userId: null, role: 'system' },
        ({ sql }) =>
          sql`select id, state, updated_at from content where state = ${'draft'} order by updated_at desc limit 10`,
        { readOnly: true },
      )
    },
  }
  const done = { plain: 0, scoped: 0 }
  const took = { plain: 0, scoped: 0 }
  // Caches of statements, tenants and catalogs fill first.
  await load(forms.scoped, { callers, warmUpMs: 0, measureMs: Math.max(500, seconds * 150) })
  const until = performance.now() + seconds * 1000
  for (let turn = 0; performance.now() < until; turn++) {
    const form = turn % 2 === 0 ? 'plain' : 'scoped'
    const began = performance.now()
    const slice = await load(forms[form], { callers, warmUpMs: 0, measureMs: sliceMs })
    took[form] += performance.now() - began
    done[form] += slice.count
  }
  const plain = done.plain / (took.plain / 1000)
  const scoped = done.scoped / (took.scoped / 1000)
  return {
    tenants: among,
    plainPerSecond: Math.round(plain),
    scopedPerSecond: Math.round(scoped),
    ratio: Math.round((scoped / plain) * 1000) / 1000,
  }
}
