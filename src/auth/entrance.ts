import type { Config } from '../config.ts'
import { slugPattern } from '../db/tenants.ts'
import { isSecure, ownOrigin } from '../http/origin.ts'
import { ownPath, seeOther } from '../http/page.ts'
import { cookieValue, endedCookie, sessionCookie } from '../http/session.ts'
import type { Services } from '../services.ts'
import { sessionSeconds } from './session.ts'
import type { SignedIn } from './sign-in.ts'

/**
 * The session cookie belongs to its workspace's path, so the front page does not see it. This one only names the
 * workspaces that this browser has entered; it opens nothing.
 */
const desksCookie = 'masthead-desks'
/** Set with the session cookie and without Secure: when it comes back and the session does not, we can say why. */
const triedCookie = 'masthead-tried'
const mostDesks = 8

/** The slugs of the workspaces that this browser entered, latest first. */
export function enteredDesks(request: Request): string[] {
  return (cookieValue(request, desksCookie) ?? '')
    .split('.')
    .filter(slug => slugPattern.test(slug))
    .slice(0, mostDesks)
}

function desks(slugs: readonly string[], secure: boolean): string {
  const life = slugs.length > 0 ? sessionSeconds.page : 0
  return `${desksCookie}=${slugs.slice(0, mostDesks).join('.')}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${life}${secure ? '; Secure' : ''}`
}

/** This browser has entered `slug`; what it may know by its former addresses, it knows by that one now. */
export const enteredCookie = (
  request: Request,
  slug: string,
  formerSlugs: readonly string[],
  secure: boolean,
): string =>
  desks(
    [slug, ...enteredDesks(request).filter(other => other !== slug && !formerSlugs.includes(other))],
    secure,
  )

const tried = (seconds: number) =>
  `${triedCookie}=1; Path=/sign-in; HttpOnly; SameSite=Lax; Max-Age=${seconds}`

/** Leads somebody who has just signed in to where they were going, or to the workspace's first page. */
export async function admit(
  { tokens, config }: Pick<Services, 'tokens' | 'config'>,
  request: Request,
  signed: SignedIn,
  next?: string | null,
): Promise<Response> {
  const secure = isSecure(config)
  const { slug, formerSlugs } = signed.tenant
  const token = await tokens.sign('page', {
    tenantId: signed.tenant.id,
    userId: signed.userId,
    session: signed.token,
  })
  const wanted = ownPath(next, '')
  const home = `/w/${slug}`
  const path = pathHere(wanted, signed.tenant) ?? home
  return seeOther(path, [
    sessionCookie(token, slug, secure),
    enteredCookie(request, slug, formerSlugs, secure),
    tried(60),
  ])
}

/** Leads out: the cookie goes, and the browser forgets that it was here. `left` says why, for the sign-in page. */
export function dismiss(
  config: Pick<Config, 'publicUrl'>,
  request: Request,
  slug: string,
  left: 'signed-out' | 'erasure' = 'signed-out',
): Response {
  const secure = isSecure(config)
  const others = enteredDesks(request).filter(other => other !== slug)
  const path = left === 'erasure' ? `/sign-in?left=erasure&next=/w/${slug}` : '/sign-in?left=1'
  return seeOther(path, [endedCookie(slug, secure), desks(others, secure), tried(0)])
}

/** The workspace a path of ours leads into, or null. */
export const slugOfPath = (path: string): string | null =>
  /^\/w\/([a-z0-9-]{1,40})(?=[/?#]|$)/.exec(path)?.[1] ?? null

/** A path into this workspace, by the address it has now; null for one that leads elsewhere. */
function pathHere(path: string, { slug, formerSlugs }: SignedIn['tenant']): string | null {
  const wanted = slugOfPath(path)
  if (wanted === slug) return path
  return wanted && formerSlugs.includes(wanted) ? path.replace(`/w/${wanted}`, `/w/${slug}`) : null
}

export interface CookieTrouble {
  title: string
  text: string
  /** Where it would work, or null. */
  address: string | null
}

/**
 * Why this browser will not keep, or did not keep, the session cookie; null when nothing speaks against it.
 * A browser sends `Sec-Fetch-Site` only to addresses it trusts, so over plain http only to this machine itself: where
 * it came, a proxy in front took the https off.
 */
export function cookieTrouble(
  request: Request,
  config: Pick<Config, 'publicUrl' | 'trustProxy'>,
): CookieTrouble | null {
  const { publicUrl } = config
  const own = new URL(ownOrigin(request, config))
  const local = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(own.hostname)
  const behindTls =
    request.headers.get('x-forwarded-proto')?.split(',')[0]?.trim() === 'https' ||
    (request.headers.has('sec-fetch-site') && !local)
  if (publicUrl?.protocol === 'https:' && own.protocol === 'http:' && !behindTls)
    return {
      title: 'Signing in will not work at this address',
      text: `You opened this page by plain http (${own.origin}). PUBLIC_URL is ${publicUrl.origin}, so the sign-in cookie is kept over https only, and your browser will refuse it here.`,
      address: `${publicUrl.origin}/sign-in`,
    }
  if (cookieValue(request, triedCookie) && slugOfPath(new URL(request.url).searchParams.get('next') ?? ''))
    return {
      title: 'The sign-in did not last',
      text:
        publicUrl && publicUrl.origin !== own.origin
          ? `Your mail address and password were right, but the cookie did not come back. You are at ${own.origin}; Masthead is meant to be reached at ${publicUrl.origin}.`
          : 'Your mail address and password were right, but the cookie did not come back, or the session was ended elsewhere. Allow cookies for this address, or look whether a proxy removes them.',
      address: publicUrl && publicUrl.origin !== own.origin ? `${publicUrl.origin}/sign-in` : null,
    }
  return null
}
