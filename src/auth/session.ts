import type { Scope } from '../db/scope.ts'
import { NotFound, Unauthenticated } from '../errors.ts'
import { isId, newId, randomToken, tokenHash } from '../lib/id.ts'
import type { Role } from '../permissions.ts'

/** Seconds a session lives without being used. */
export const sessionSeconds = { page: 14 * 24 * 3600, api: 3600 } as const

export type Credential =
  | { kind: 'session'; hash: string; door: 'page' | 'api' }
  | { kind: 'key'; hash: string }

/** Who is here and where: read in the request's own transaction, so that sign-out and removal act at once. */
export interface Visit {
  user: { id: string; name: string; email: string; role: Role }
  workspace: {
    id: string
    slug: string
    name: string
    zone: string
    country: string | null
    approvalRequired: boolean
    lateMinutes: number
  }
  sessionId: string | null
  /** The page session was prolonged just now: its cookie wants renewing. */
  prolonged: boolean
}

/** @returns the secret half of the session; the database keeps its hash. */
export async function startSession(
  scope: Scope,
  userId: string,
  door: 'page' | 'api',
  agent: string,
): Promise<string> {
  const token = randomToken(24)
  await scope.sql`delete from sessions where user_id = ${userId} and expires_at < public.clock()`
  await scope.sql`
    insert into sessions (id, token_hash, user_id, door, agent, expires_at)
    values (${newId()}, ${tokenHash(token)}, ${userId}, ${door}, ${agent.slice(0, 200)},
      public.clock() + ${sessionSeconds[door]} * interval '1 second')`
  return token
}

export async function endSession(scope: Scope, sessionId: string): Promise<void> {
  await scope.sql`delete from sessions where id = ${sessionId}`
}

/** Ends every session of a user; after a password change, all but the one in use. */
export async function endSessions(scope: Scope, userId: string, except: string | null = null): Promise<void> {
  await scope.sql`delete from sessions where user_id = ${userId} and id is distinct from ${except}`
}

/** @throws Unauthenticated when the session or key is unknown, over, or its user was removed. */
export async function readVisit(scope: Scope, credential: Credential): Promise<Visit> {
  const [row] =
    credential.kind === 'key'
      ? await scope.sql`
          select u.id, u.name, u.email, u.role, null as session_id, false as old,
            w.name as workspace, w.zone, w.country, w.approval_required, w.late_minutes
          from api_keys k join users u on u.id = k.user_id cross join workspace w
          where k.token_hash = ${credential.hash} and u.removed_at is null`
      : await scope.sql`
          select u.id, u.name, u.email, u.role, s.id as session_id,
            s.expires_at < public.clock() + ${sessionSeconds[credential.door] - 86_400} * interval '1 second' as old,
            w.name as workspace, w.zone, w.country, w.approval_required, w.late_minutes
          from sessions s join users u on u.id = s.user_id cross join workspace w
          where s.token_hash = ${credential.hash} and s.door = ${credential.door}
            and s.expires_at > public.clock() and u.removed_at is null`
  if (!row) throw new Unauthenticated()
  return {
    user: {
      id: row.id as string,
      name: row.name as string,
      email: row.email as string,
      role: row.role as Role,
    },
    workspace: {
      id: scope.tenant.id,
      slug: scope.tenant.slug,
      name: row.workspace as string,
      zone: row.zone as string,
      country: row.country as string | null,
      approvalRequired: row.approval_required as boolean,
      lateMinutes: row.late_minutes as number,
    },
    sessionId: row.session_id as string | null,
    prolonged: credential.kind === 'session' && credential.door === 'page' && (row.old as boolean),
  }
}

/** @returns those of the token hashes whose session or key still opens this workspace */
export async function stillGood({ sql }: Scope, hashes: readonly string[]): Promise<Set<string>> {
  const rows = await sql`
    select s.token_hash from sessions s join users u on u.id = s.user_id
    where s.token_hash = any(${hashes}) and s.expires_at > public.clock() and u.removed_at is null
    union all
    select k.token_hash from api_keys k join users u on u.id = k.user_id
    where k.token_hash = any(${hashes}) and u.removed_at is null`
  return new Set(rows.map(row => row.token_hash as string))
}

export interface OwnSession {
  id: string
  door: 'page' | 'api'
  /** What the client calls itself. */
  agent: string
  createdAt: string
  expiresAt: string
}

/** The user's own sessions that are still good, newest first. */
export async function listSessions(scope: Scope): Promise<OwnSession[]> {
  const rows = await scope.sql`
    select id, door, agent, created_at, expires_at from sessions
    where user_id = ${scope.actor.userId} and expires_at > public.clock() order by id desc limit 100`
  return rows.map(row => ({
    id: row.id as string,
    door: row.door as OwnSession['door'],
    agent: (row.agent as string | null) ?? '',
    createdAt: (row.created_at as Date).toISOString(),
    expiresAt: (row.expires_at as Date).toISOString(),
  }))
}

/** Ends one of the user's own sessions. @throws NotFound for anybody else's */
export async function endOwnSession(scope: Scope, id: string): Promise<void> {
  const ended = isId(id)
    ? await scope.sql`
        delete from sessions where id = ${id} and user_id = ${scope.actor.userId} returning id`
    : []
  if (ended.length === 0) throw new NotFound()
}

/** Lets a page session live on from now. */
export async function prolongSession(scope: Scope, sessionId: string): Promise<void> {
  await scope.sql`
    update sessions set expires_at = public.clock() + ${sessionSeconds.page} * interval '1 second' where id = ${sessionId}`
}
