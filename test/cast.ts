import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type App, createApp } from '../src/app.ts'
import { createKey } from '../src/auth/keys.ts'
import { startSession } from '../src/auth/session.ts'
import { type Config, readConfig } from '../src/config.ts'
import { createBus } from '../src/db/bus.ts'
import type { Database } from '../src/db/database.ts'
import { memoryCounter } from '../src/http/limits.ts'
import { createReadiness } from '../src/http/readiness.ts'
import { createTokens } from '../src/http/session.ts'
import { createStreams } from '../src/http/streams.ts'
import { createOutbound } from '../src/lib/fetch.ts'
import { createLog } from '../src/lib/log.ts'
import { createMetrics } from '../src/lib/metrics.ts'
import { openMailer } from '../src/mail/check.ts'
import { mediaFiles } from '../src/media/files.ts'
import type { Services } from '../src/services.ts'
import { openStorage } from '../src/storage/open.ts'
import { foundWorkspace } from '../src/team/workspace.ts'
import { type Cast, cloneDatabase, type Member, testPassword, testSecret } from './setup.ts'

const origin = 'http://localhost'

export interface ApiAnswer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a test reads any answer's fields
  body: any
}
export interface PageAnswer {
  status: number
  headers: Headers
  html: string
  /** Where a redirect leads, or ''. */
  location: string
}
export interface Person extends Member {
  api(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer>
  /** A request as this person's browser sends it. `path` from the root; a form is sent urlencoded, FormData as multipart. */
  page(
    method: string,
    path: string,
    form?: Record<string, string | string[]> | FormData,
    headers?: Record<string, string>,
  ): Promise<PageAnswer>
  /** The session cookie's header, for raw requests. */
  cookie(): Promise<string>
}

/** The whole app on a database of its own, with the known cast. Close it at the end of the file. */
export interface House extends Record<keyof Cast, Person> {
  app: App
  services: Services
  /** Moves the database's clock by so many milliseconds from the real time. */
  shiftClock(ms: number): Promise<void>
  /**
   * Founds a further workspace and answers its owner. What is to be erased has to be one of these: the cast's roles are
   * shared by every test's database.
   */
  found(slug: string): Promise<Person>
  /** A request without any credential. */
  anyone(
    method: string,
    path: string,
    form?: Record<string, string | string[]> | FormData,
    headers?: Record<string, string>,
  ): Promise<PageAnswer>
  close(): Promise<void>
}

export async function openHouse(environment: Record<string, string> = {}): Promise<House> {
  const { db, cast, drop } = await cloneDatabase()
  const dataDir = mkdtempSync(join(tmpdir(), 'masthead-house-'))
  const config: Config = readConfig({
    DATA_DIR: dataDir,
    MASTHEAD_SECRET: testSecret,
    LOG_LEVEL: 'silent',
    ...environment,
  })
  const services = servicesOf(db, config)
  const app = createApp(services)
  const handle = (request: Request): Promise<Response> => Promise.resolve(app.handle(request))
  const people = Object.fromEntries(
    Object.entries(cast).map(([name, member]) => [name, person(member, services, handle)]),
  ) as Record<keyof Cast, Person>
  return {
    ...people,
    app,
    services,
    async found(slug) {
      const about = { name: slug, email: `owner@${slug}.example`, role: 'owner' } as const
      const { tenant, ownerId } = await foundWorkspace(db, testSecret, {
        ...about,
        slug,
        zone: 'Europe/Berlin',
        ownerName: about.name,
        password: testPassword,
      })
      const { id, schema } = tenant
      const { key } = await db.within({ tenantId: id, userId: ownerId, role: 'owner' }, scope =>
        createKey(scope, { name: 'test' }),
      )
      return person({ ...about, id: ownerId, key, tenant: { id, slug, schema } }, services, handle)
    },
    anyone: (method, path, form, headers) => browse(handle, method, path, form, { ...headers }),
    async shiftClock(ms) {
      await db.owner.unsafe(
        `create or replace function public.clock() returns timestamptz language sql stable parallel safe as 'select now() + interval ''${ms} milliseconds'''`,
      )
    },
    async close() {
      await drop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** What the app is built from, for one process without Redis or a replica. */
export function servicesOf(db: Database, config: Config): Services {
  const log = createLog({ level: config.logLevel, json: false })
  const bus = createBus(null, log)
  const storage = openStorage(config)
  db.afterCommit = async (_, hints) => bus.publish(hints)
  return {
    config,
    db,
    log,
    replica: null,
    bus,
    streams: createStreams(db, bus, log),
    readiness: createReadiness(),
    leads: async () => true,
    counter: memoryCounter(),
    tokens: createTokens(testSecret),
    outbound: createOutbound({ allow: config.outboundAllow }),
    storage,
    files: mediaFiles(storage),
    mailer: openMailer(config),
    metrics: createMetrics(),
    lastLook: () => null,
    setupCode: '12345678',
  }
}

type Handle = (request: Request) => Promise<Response>

function person(member: Member, services: Services, handle: Handle): Person {
  let made: Promise<string> | null = null
  const cookie = () => {
    made ??= services.db
      .within({ tenantId: member.tenant.id, userId: member.id, role: member.role }, scope =>
        startSession(scope, member.id, 'page', 'test'),
      )
      .then(session =>
        services.tokens.sign('page', { tenantId: member.tenant.id, userId: member.id, session }),
      )
      .then(token => `masthead=${token}`)
    return made
  }
  return {
    ...member,
    cookie,
    async api(method, path, body, headers = {}) {
      const multipart = body instanceof FormData
      const response = await handle(
        new Request(`${origin}/api/v1${path}`, {
          method,
          headers: {
            authorization: `Bearer ${member.key}`,
            ...(body === undefined || multipart ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body === undefined
            ? {}
            : { body: multipart ? body : typeof body === 'string' ? body : JSON.stringify(body) }),
        }),
      )
      const text = await response.text()
      const json = /json/.test(response.headers.get('content-type') ?? '')
      return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text }
    },
    page: async (method, path, form, headers) =>
      browse(handle, method, path, form, { cookie: await cookie(), ...headers }),
  }
}

async function browse(
  handle: Handle,
  method: string,
  path: string,
  form: Record<string, string | string[]> | FormData | undefined,
  headers: Record<string, string>,
): Promise<PageAnswer> {
  const fields = new URLSearchParams()
  if (form && !(form instanceof FormData))
    for (const [name, value] of Object.entries(form))
      for (const one of [value].flat()) fields.append(name, one)
  const body = form instanceof FormData ? form : form ? fields : undefined
  const response = await handle(
    new Request(origin + path, {
      method,
      headers: { ...(method === 'GET' ? {} : { origin }), ...headers },
      ...(body ? { body } : {}),
      redirect: 'manual',
    }),
  )
  return {
    status: response.status,
    headers: response.headers,
    html: await response.text(),
    location: response.headers.get('location') ?? '',
  }
}
