import { jwt } from '@elysiajs/jwt'
import { tenantOfKey } from '../auth/keys.ts'
import type { Credential } from '../auth/session.ts'
import { sessionSeconds } from '../auth/session.ts'
import { isId, tokenHash } from '../lib/id.ts'
import { derivePassword } from '../lib/seal.ts'

const issuer = 'masthead'
const algorithm = 'HS256'

export type Door = 'page' | 'api'

/** What a request proves by its token alone; the session row or key is looked up inside the tenant. */
export interface Caller {
  tenantId: string
  credential: Credential
}

export interface Tokens {
  sign(door: Door, about: { tenantId: string; userId: string; session: string }): Promise<string>
  verify(door: Door, token: string): Promise<Caller | null>
}

/** Signed tokens (JWT) that carry tenant, user and session. Algorithm, issuer and audience are fixed and checked. */
export function createTokens(secret: string): Tokens {
  const { sign, verify } = jwt({
    name: 'jwt',
    secret: derivePassword(secret, 'session tokens'),
    alg: algorithm,
  }).decorator.jwt
  return {
    async sign(door, { tenantId, userId, session }) {
      const now = Math.floor(Date.now() / 1000)
      return sign({
        iss: issuer,
        aud: `masthead:${door}`,
        tenant: tenantId,
        user: userId,
        session,
        iat: now,
        exp: now + sessionSeconds[door],
      } as never)
    },
    async verify(door, token) {
      const claims = (await verify(token, {
        algorithms: [algorithm],
        issuer,
        audience: `masthead:${door}`,
      })) as Record<string, unknown> | false
      if (
        !claims ||
        typeof claims.tenant !== 'string' ||
        typeof claims.session !== 'string' ||
        !isId(claims.tenant)
      )
        return null
      return {
        tenantId: claims.tenant,
        credential: { kind: 'session', hash: tokenHash(claims.session), door },
      }
    },
  }
}

/** `Authorization: Bearer <API key or token>` → caller; null when it proves nothing. */
export async function callerOfBearer(tokens: Tokens, header: string | null): Promise<Caller | null> {
  const bearer = /^Bearer ([^\s]+)$/i.exec(header ?? '')?.[1]
  if (!bearer) return null
  const tenantId = tenantOfKey(bearer)
  if (tenantId) return { tenantId, credential: { kind: 'key', hash: tokenHash(bearer) } }
  return tokens.verify('api', bearer)
}

const cookieName = (secure: boolean) => (secure ? '__Secure-masthead' : 'masthead')

export function cookieValue(request: Request, name: string): string | null {
  for (const part of (request.headers.get('cookie') ?? '').split(';')) {
    const [key, ...value] = part.trim().split('=')
    if (key === name) return value.join('=')
  }
  return null
}

/** What the session cookie holds, proved or not; empty when there is none. */
export const sessionToken = (request: Request, secure: boolean): string =>
  cookieValue(request, cookieName(secure)) ?? ''

export async function callerOfCookie(
  tokens: Tokens,
  request: Request,
  secure: boolean,
): Promise<Caller | null> {
  const token = sessionToken(request, secure)
  return token ? tokens.verify('page', token) : null
}

/** The session cookie of one workspace: its path is the workspace, so two can be open in two tabs. */
export function sessionCookie(token: string, slug: string, secure: boolean): string {
  return `${cookieName(secure)}=${token}; Path=/w/${slug}; HttpOnly; SameSite=Lax; Max-Age=${sessionSeconds.page}${secure ? '; Secure' : ''}`
}

export const endedCookie = (slug: string, secure: boolean): string =>
  `${cookieName(secure)}=; Path=/w/${slug}; HttpOnly; SameSite=Lax; Max-Age=0${secure ? '; Secure' : ''}`
