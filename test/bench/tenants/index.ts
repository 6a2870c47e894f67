/**
 * What thousands of tenants cost: reads, creation, migration, erasure, capsules, memory, start and idling, on one
 * embedded PostgreSQL of its own with fsync on. Everything is a ratio inside this run, or says what machine it is of.
 */
import { loadavg } from 'node:os'
import { type CapsuleFigure, capsuleSpeed } from './capsule.ts'
import { type FanOutFigure, fanOutSpeed } from './fan-out.ts'
import { addTenants, eraseNewest, type Ground, openGround } from './ground.ts'
import { backendMemory, type MemoryFigure } from './memory.ts'
import { print } from './print.ts'
import { type IdleFigure, idle } from './process.ts'
import { makePlainTable, type ScopedFigure, scopedRead } from './scoped.ts'

/** How many tenants are made in the end, and how long each reading lasts. */
const sizes = {
  short: { many: 1_500, readSeconds: 10, idleSeconds: 20 },
  full: { many: 5_000, readSeconds: 30, idleSeconds: 60 },
} as const

const say = (line: string) => console.error(line)
const rounded = (value: number, digits = 1) => Math.round(value * 10 ** digits) / 10 ** digits

export interface TenantFigures {
  tenants: number
  scopedRead: ScopedFigure[]
  creation: {
    perSecondAt100: number
    perSecondAtMany: number
    ratio: number
    tablesPerSecondAtMany: number
    perTenant: { tables: number; pgClassRows: number; kilobytes: number }
  }
  fanOut: FanOutFigure
  eraseMs: number
  capsule: CapsuleFigure
  backendMemory: MemoryFigure | null
  /** With few workspaces, and with all. */
  idle: [IdleFigure, IdleFigure]
}

export async function tenants(options: { full: boolean }): Promise<TenantFigures & { missed: string[] }> {
  const size = options.full ? sizes.full : sizes.short
  const loadBefore = rounded(loadavg()[0] ?? 0)
  const ground = await openGround()
  try {
    await makePlainTable(ground)
    say('Making 100 workspaces …')
    await addTenants(ground, 10)
    const idleFew = await idle(ground, size.idleSeconds)
    await addTenants(ground, 90)
    const readOne = await scopedRead(ground, 1, size.readSeconds)
    const readHundred = await scopedRead(ground, 100, size.readSeconds)
    const before = await catalog(ground)
    const few = await rate(ground, 60)
    const after = await catalog(ground)
    say(`Making ${size.many.toLocaleString('en')} workspaces …`)
    await addTenants(ground, size.many - 60 - ground.tenants.length, made => {
      if (made % 500 === 0) say(`  ${made.toLocaleString('en')}`)
    })
    const many = await rate(ground, 60)
    const readMany = await scopedRead(ground, Math.min(2_000, size.many), size.readSeconds)
    const fanOut = await fanOutSpeed(ground)
    const memory = await backendMemory(ground, Math.min(2_000, size.many))
    const idleMany = await idle(ground, size.idleSeconds)
    const capsule = await capsuleSpeed(ground)
    const erased = await eraseNewest(ground, 20)
    const perTenant = {
      tables: before.tables,
      pgClassRows: Math.round((after.rows - before.rows) / 60),
      kilobytes: Math.round((after.bytes - before.bytes) / 60 / 1000),
    }
    const result: TenantFigures & { machine: object } = {
      machine: {
        cores: navigator.hardwareConcurrency,
        platform: `${process.platform}-${process.arch}`,
        bun: Bun.version,
        loadBefore,
      },
      tenants: size.many,
      scopedRead: [readOne, readHundred, readMany],
      creation: {
        perSecondAt100: rounded(few),
        perSecondAtMany: rounded(many),
        ratio: rounded(many / few, 2),
        tablesPerSecondAtMany: Math.round(many * perTenant.tables),
        perTenant,
      },
      fanOut,
      eraseMs: rounded(erased.reduce((sum, ms) => sum + ms, 0) / erased.length),
      capsule,
      backendMemory: memory,
      idle: [idleFew, idleMany],
    }
    const missed = [
      ...(result.creation.ratio < 0.5
        ? [`creation at ${size.many} tenants is under half the rate at 100`]
        : []),
    ]
    print(result)
    for (const line of missed) say(`MISSED: ${line}`)
    return { missed, ...result }
  } finally {
    await ground.close()
  }
}

async function rate(ground: Ground, count: number): Promise<number> {
  return count / (await addTenants(ground, count))
}

async function catalog({ db }: Ground): Promise<{ tables: number; rows: number; bytes: number }> {
  const [row] = await db.owner`
    select (select count(*)::int from pg_class) as rows, pg_database_size(current_database())::float8 as bytes,
      (select count(*)::int from pg_class c join public.tenants t on t.schema_name = c.relnamespace::regnamespace::text
        where c.relkind = 'r' and t.id = (select id from public.tenants order by id limit 1)) as tables`
  return { tables: row?.tables as number, rows: row?.rows as number, bytes: row?.bytes as number }
}
