import packageFile from '../../package.json' with { type: 'json' }
import { readMigrations } from '../db/migrations.ts'
import { sampledDepth } from '../db/queue-depth.ts'
import { inTime } from '../lib/in-time.ts'
import type { Gauge, Reading } from '../lib/metrics.ts'
import type { Services } from '../services.ts'

type Seen = Pick<Services, 'db' | 'lastLook' | 'log' | 'streams'>
type Gauges = Record<string, Gauge>

const answerMs = 3_000

/** What is read anew when somebody asks: of this process, and of the database all processes share. */
export function createGauges(services: Seen): (clockSkew: number | null) => Promise<Gauges> {
  const level = readMigrations().length
  const newestDepth = sampledDepth(services)
  return async clockSkew => ({
    ...ofProcess(services, level),
    ...(await inTime(ofDatabase(services), answerMs, { masthead_database_up: up(0) })),
    ...(clockSkew === null
      ? {}
      : {
          masthead_clock_skew_seconds: {
            help: "seconds that the database's clock is ahead of this process's",
            value: clockSkew,
          },
        }),
    ...ofQueue(newestDepth()),
  })
}

function ofProcess({ lastLook, streams }: Seen, level: number): Gauges {
  const look = lastLook()
  const cpu = process.cpuUsage()
  return {
    masthead_build_info: {
      help: 'version of Masthead and Bun, and the migration level it needs; always 1',
      value: [{ labels: { version: packageFile.version, bun: Bun.version, level: String(level) }, value: 1 }],
    },
    masthead_worker_look_age_seconds: {
      help: 'since the worker last asked what is due; -1 where none runs',
      value: look === null ? -1 : (Date.now() - look) / 1000,
    },
    masthead_event_streams: { help: 'event streams open here', value: streams.count() },
    process_resident_memory_bytes: { help: 'memory of this process', value: process.memoryUsage.rss() },
    process_start_time_seconds: {
      help: 'when this process started, since 1970',
      value: Math.round(Date.now() / 1000 - process.uptime()),
    },
    process_cpu_seconds_total: {
      help: 'processor time of this process',
      value: (cpu.user + cpu.system) / 1e6,
      counts: true,
    },
  }
}

/** Three short statements, whatever the number of workspaces. Every process tells the same. */
async function ofDatabase({ db }: Seen): Promise<Gauges> {
  const [tenants, due, connections] = await Promise.all([
    db.sql`
      select state, count(*)::int as tenants, count(migration_error)::int as broken from public.tenants group by state`,
    db.sql`
      select count(*)::int as due, coalesce(extract(epoch from public.clock() - min(next_due_at)), 0)::float8 as lag
      from public.tenant_due where next_due_at > '-infinity' and next_due_at <= public.clock()`,
    db.sql`
      select coalesce(state, 'unknown') as state, count(*)::int as connections from pg_stat_activity
      where usename = current_user and backend_type = 'client backend' group by 1`,
  ])
  const byState = (rows: Iterable<Record<string, unknown>>, count: string, known: string[]): Reading => {
    const found = new Map([...rows].map(row => [row.state as string, row[count] as number]))
    return [...new Set([...known, ...found.keys()])].map(state => ({
      labels: { state },
      value: found.get(state) ?? 0,
    }))
  }
  return {
    masthead_database_up: up(1),
    masthead_tenants: {
      help: 'workspaces, by state',
      value: byState(tenants, 'tenants', ['creating', 'active', 'suspended', 'erasing']),
    },
    masthead_tenants_not_migrated: {
      help: 'workspaces whose last migration failed',
      value: tenants.reduce((sum, row) => sum + (row.broken as number), 0),
    },
    masthead_due_tenants: { help: 'workspaces with something due now', value: Number(due[0]?.due) },
    masthead_due_lag_seconds: { help: 'age of the oldest due moment', value: Number(due[0]?.lag) },
    masthead_database_connections: {
      help: "connections of the app's login at the server, of all processes, by what they do",
      value: byState(connections, 'connections', ['active', 'idle', 'idle in transaction']),
    },
  }
}

const up = (value: 0 | 1): Gauge => ({ help: 'whether the database answered', value })

const ofQueue = (newest: ReturnType<ReturnType<typeof sampledDepth>>): Gauges =>
  newest === null
    ? {}
    : {
        masthead_publish_jobs: {
          help: 'publish jobs that are not over, of all workspaces, by state, as they were last counted',
          value: Object.entries(newest.depth.states).map(([state, value]) => ({ labels: { state }, value })),
        },
        masthead_publish_jobs_overdue: {
          help: 'scheduled publish jobs whose moment passed more than 30 seconds ago, as they were last counted',
          value: newest.depth.overdue,
        },
        masthead_publish_overdue_seconds: {
          help: 'how late the oldest of the overdue publish jobs is',
          value: newest.depth.latest,
        },
        masthead_deliveries: {
          help: 'mails and messages to event webhooks that are not delivered, by kind and state, as they were last counted',
          value: Object.entries(newest.depth.deliveries).flatMap(([kind, { states }]) =>
            Object.entries(states).map(([state, value]) => ({ labels: { kind, state }, value })),
          ),
        },
        masthead_delivery_oldest_seconds: {
          help: 'for how long the oldest of the waiting deliveries has waited',
          value: Object.entries(newest.depth.deliveries).map(([kind, { oldest }]) => ({
            labels: { kind },
            value: oldest,
          })),
        },
        masthead_publish_jobs_counted_seconds: {
          help: 'age of the counts of publish jobs and deliveries',
          value: (Date.now() - newest.at) / 1000,
        },
      }
