import { createHmac } from 'node:crypto'
import type { Visit } from '../auth/session.ts'
import { tenantNow } from '../db/directory.ts'
import type { Scope } from '../db/scope.ts'
import { Conflict, Invalid, Unauthenticated } from '../errors.ts'
import { newId } from '../lib/id.ts'
import { keyIdOf, keyOf } from '../lib/seal.ts'
import type { Services } from '../services.ts'
import { asKept, bytesOf, idempotentAnswer, openFor, sealFor } from '../tenants/sealed.ts'
import { enter } from './enter.ts'
import { type Caller, callerOfBearer } from './session.ts'
import type { Serves } from './standing.ts'

/** The parts of Elysia's context that this door reads. */
export interface Incoming {
  request: Request
  body?: unknown
}

type Work<T> = (scope: Scope, visit: Visit) => Promise<T>

export interface ApiDoor {
  /** Runs a read in the caller's tenant and answers its result as JSON. */
  read<T>(incoming: Incoming, work: Work<T>): Promise<Response>
  /** Runs a write, once per `Idempotency-Key`. `status` 204 sends no body. */
  write<T>(incoming: Incoming, work: Work<T>, status?: number): Promise<Response>
  /** Opens the caller's tenant without answering, for doors with work between two transactions. */
  enter<T>(incoming: Incoming, work: Work<T>): Promise<T>
}

const keySeconds = 24 * 3600
const keyPattern = /^[\x21-\x7e]{1,200}$/

/** @param serves whom it lets in while the workspace is suspended */
export function createApiDoor(
  { db, replica, tokens }: Pick<Services, 'db' | 'replica' | 'tokens'>,
  serves: Serves = 'nobody',
): ApiDoor {
  async function inside<T>(incoming: Incoming, work: Work<T>, readOnly: boolean): Promise<T> {
    const caller = await callerOfBearer(tokens, incoming.request.headers.get('authorization'))
    if (!caller) throw new Unauthenticated()
    // A key of a tenant that is gone proves nothing.
    if (!(await tenantNow(db, caller.tenantId))) throw new Unauthenticated()
    const { value } = await enter(
      { db, replica, serves },
      caller.tenantId,
      caller.credential,
      readOnly,
      async (scope, visit) => {
        if (!readOnly) await touchKey(scope, caller)
        return work(scope, visit)
      },
    )
    return value
  }
  return {
    async read(incoming, work) {
      return json(JSON.stringify(await inside(incoming, work, true)), 200)
    },
    async write(incoming, work, status = 200) {
      const key = incoming.request.headers.get('idempotency-key')
      const stored = await inside(
        incoming,
        async (scope, visit) => {
          const answer = async () => {
            const value = await work(scope, visit)
            return { status, answer: status === 204 ? '' : JSON.stringify(value) }
          }
          return key === null ? answer() : once(scope, visit, incoming, key, answer)
        },
        false,
      )
      return json(stored.answer, stored.status)
    },
    enter: (incoming, work) => inside(incoming, work, false),
  }
}

interface Stored {
  status: number
  answer: string
}

/**
 * Same key, route and body → the answer of the first time, kept in the transaction that did the work. It is kept
 * sealed: answers may show a secret once.
 */
async function once(
  scope: Scope,
  visit: Visit,
  incoming: Incoming,
  key: string,
  work: () => Promise<Stored>,
): Promise<Stored> {
  if (!keyPattern.test(key))
    throw new Invalid('The Idempotency-Key must have 1 to 200 visible ASCII characters.', [
      { path: 'Idempotency-Key', message: 'must have 1 to 200 visible ASCII characters' },
    ])
  const owner = visit.user.id
  const route = `${incoming.request.method} ${new URL(incoming.request.url).pathname}`
  const [lock] = await scope.sql`
    select pg_try_advisory_xact_lock(hashtextextended(${`${scope.tenant.id} ${owner} ${route} ${key}`}, 0)) as free`
  if (!lock?.free)
    throw new Conflict('A request with this Idempotency-Key is still running. Ask again in a moment.')
  await scope.sql`
    delete from idempotency_keys where owner = ${owner} and route = ${route} and key = ${key}
      and created_at < public.clock() - ${keySeconds} * interval '1 second'`
  const [known] = await scope.sql`
    select request_hash, status, answer from idempotency_keys where owner = ${owner} and route = ${route} and key = ${key}`
  const { keys } = scope.tenant
  const sealed = known ? bytesOf(idempotentAnswer, known.answer) : null
  // The hash was made with the key that the answer is sealed with.
  const hash = await bodyHash(sealed ? keyOf(keys, keyIdOf(sealed)) : keys.current.key, incoming.body)
  if (known && known.request_hash !== hash)
    throw new Invalid(
      'This Idempotency-Key was used with another body. Use a new key for a new request.',
      [],
      'idempotency_key_reused',
    )
  const row = { owner, route, key }
  if (known && sealed)
    return {
      status: known.status as number,
      answer: openFor(scope.tenant, idempotentAnswer, row, sealed).toString(),
    }
  const done = await work()
  await scope.sql`
    insert into idempotency_keys (id, owner, route, key, request_hash, status, answer)
    values (${newId()}, ${owner}, ${route}, ${key}, ${hash}, ${done.status},
      ${asKept(idempotentAnswer, sealFor(scope.tenant, idempotentAnswer, row, done.answer))})`
  return done
}

/** Keyed, because a body may hold a password that is easy to guess. */
async function bodyHash(key: Buffer, body: unknown): Promise<string> {
  const hash = createHmac('sha256', key)
  for (const [name, value] of Object.entries((body ?? {}) as Record<string, unknown>))
    hash
      .update(`${name}\0`)
      .update(value instanceof Blob ? await value.bytes() : JSON.stringify(value ?? null))
  return hash.digest('hex')
}

async function touchKey(scope: Scope, { credential }: Caller): Promise<void> {
  if (credential.kind !== 'key') return
  await scope.sql`
    update api_keys set last_used_at = public.clock() where token_hash = ${credential.hash}
      and (last_used_at is null or last_used_at < public.clock() - interval '1 minute')`
}

function json(text: string, status: number): Response {
  if (status === 204) return new Response(null, { status })
  return new Response(text, { status, headers: { 'content-type': 'application/json; charset=utf-8' } })
}
