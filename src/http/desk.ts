import type { z } from 'zod'
import type { Html } from '../../views/html.ts'
import { reviewCount } from '../approvals/find.ts'
import { enteredCookie } from '../auth/entrance.ts'
import { prolongSession, type Visit } from '../auth/session.ts'
import { type OpenBrake, openBrakes } from '../brakes/find.ts'
import { tenantNow } from '../db/directory.ts'
import type { Scope } from '../db/scope.ts'
import { Unauthenticated } from '../errors.ts'
import { dateFormat } from '../lib/dates.ts'
import { needsCount } from '../notifications/find.ts'
import { may } from '../permissions.ts'
import type { Services } from '../services.ts'
import type { Incoming } from './api-door.ts'
import { enter } from './enter.ts'
import { type Rejected, readForm, rejection } from './form.ts'
import { Moved } from './moved.ts'
import { isSecure } from './origin.ts'
import { flashCookie, flashed, flashSeen, page, readFlash, seeOther } from './page.ts'
import { callerOfCookie, cookieValue, endedCookie, sessionCookie, sessionToken } from './session.ts'
import type { Serves } from './standing.ts'

export interface DeskRequest extends Incoming {
  params: { slug: string }
}

/** What every page of a workspace shows around its own matter. */
export interface Frame {
  workspace: Visit['workspace']
  user: Visit['user']
  path: string
  /** Path and query. */
  address: string
  /** When it was read, in milliseconds since 1970. */
  since: number
  counts: { review: number; notifications: number }
  /** The brakes that are on. */
  brakes: OpenBrake[]
  /** `Saturday, 21 November · Berlin, 08:36` */
  now: string
  flash: { kind: 'good' | 'bad' | 'info'; text: string } | null
  canWrite: boolean
}

export type Submitted<T> = { ok: true; value: T } | { ok: false; rejected: Rejected }

export interface Desk {
  /** Reads in one transaction and shows the page that `work` makes of it. */
  show(
    incoming: DeskRequest,
    work: (scope: Scope, frame: Frame, visit: Visit) => Promise<Html>,
    status?: number,
  ): Promise<Response>
  /** Reads for an answer that is no page (a picture, a fragment). */
  read<T>(incoming: DeskRequest, work: (scope: Scope, visit: Visit) => Promise<T>): Promise<T>
  /** Writes without a form; refusals become error pages. */
  write<T>(incoming: DeskRequest, work: (scope: Scope, visit: Visit) => Promise<T>): Promise<T>
  /** Reads the form by `schema` and writes; what a person can mend comes back as the rejected form. */
  submit<S extends z.ZodType, T>(
    incoming: DeskRequest,
    schema: S,
    work: (scope: Scope, value: z.output<S>, visit: Visit) => Promise<T>,
  ): Promise<Submitted<T>>
  /** Back to a page of the workspace, with a message on it. */
  go(incoming: DeskRequest, path: string, message?: string, kind?: 'good' | 'bad' | 'info'): Response
}

/** @param serves whom it lets in while the workspace is suspended */
export function createDesk(
  { db, replica, tokens, config }: Pick<Services, 'db' | 'replica' | 'tokens' | 'config'>,
  serves: Serves = 'nobody',
): Desk {
  const secure = isSecure(config)

  async function inside<T>(
    incoming: DeskRequest,
    readOnly: boolean,
    work: (scope: Scope, visit: Visit) => Promise<T>,
  ): Promise<{ value: T; visit: Visit }> {
    const caller = await callerOfCookie(tokens, incoming.request, secure)
    if (!caller) throw new Unauthenticated()
    const { slug } = incoming.params
    const tenant = await tenantNow(db, caller.tenantId, known => known.slug === slug)
    if (tenant?.formerSlugs.includes(slug))
      throw new Moved(slug, tenant.slug, [
        sessionCookie(sessionToken(incoming.request, secure), tenant.slug, secure),
        endedCookie(slug, secure),
        enteredCookie(incoming.request, tenant.slug, tenant.formerSlugs, secure),
      ])
    // The URL names the workspace, the signed token proves it: both must agree.
    if (tenant?.slug !== slug) throw new Unauthenticated()
    return enter({ db, replica, serves }, tenant.id, caller.credential, readOnly, work)
  }

  async function prolong(incoming: DeskRequest, visit: Visit): Promise<string | null> {
    const { sessionId } = visit
    if (!visit.prolonged || !sessionId) return null
    await db.within({ tenantId: visit.workspace.id, userId: null, role: 'system' }, scope =>
      prolongSession(scope, sessionId),
    )
    const caller = sessionToken(incoming.request, secure)
    const session = JSON.parse(Buffer.from(caller.split('.')[1] ?? '', 'base64url').toString()) as {
      session: string
    }
    const token = await tokens.sign('page', {
      tenantId: visit.workspace.id,
      userId: visit.user.id,
      session: session.session,
    })
    return sessionCookie(token, visit.workspace.slug, secure)
  }

  return {
    async show(incoming, work, status = 200) {
      // A page that looks again by itself must not take the message that another tab is about to show.
      const again = incoming.request.headers.has('hx-request')
      const flash = again ? null : readFlash(cookieValue(incoming.request, flashCookie))
      const { value, visit } = await inside(incoming, true, async (scope, seen) =>
        work(scope, await readFrame(scope, seen, incoming.request, flash), seen),
      )
      const response = page(value, status)
      if (flash) response.headers.append('set-cookie', flashSeen(incoming.params.slug))
      const cookie = await prolong(incoming, visit)
      if (cookie) response.headers.append('set-cookie', cookie)
      return response
    },
    read: async (incoming, work) => (await inside(incoming, true, work)).value,
    write: async (incoming, work) => (await inside(incoming, false, work)).value,
    async submit(incoming, schema, work) {
      const form = readForm(incoming.body, schema)
      if (!form.ok) return form
      try {
        const { value } = await inside(incoming, false, (scope, visit) => work(scope, form.value, visit))
        return { ok: true, value }
      } catch (error) {
        const refused = rejection(incoming.body, error)
        if (refused) return { ok: false, rejected: refused }
        throw error
      }
    },
    go(incoming, path, message, kind = 'good') {
      const { slug } = incoming.params
      return seeOther(`/w/${slug}${path}`, message ? [flashed(slug, kind, message, secure)] : [])
    },
  }
}

async function readFrame(
  scope: Scope,
  visit: Visit,
  request: Request,
  flash: Frame['flash'],
): Promise<Frame> {
  const since = Date.now()
  const { pathname, search } = new URL(request.url)
  const [notifications, review, brakes, [clock]] = await Promise.all([
    needsCount(scope),
    reviewCount(scope),
    openBrakes(scope),
    scope.sql`select public.clock() as now`,
  ])
  return {
    workspace: visit.workspace,
    user: visit.user,
    path: pathname,
    address: pathname + search,
    since,
    counts: { review, notifications },
    brakes,
    now: dateline((clock?.now as Date | undefined) ?? new Date(), visit.workspace.zone),
    flash,
    canWrite: may(scope.actor, 'content.write'),
  }
}

export function dateline(at: Date, zone: string): string {
  const day = dateFormat({ weekday: 'long', day: 'numeric', month: 'long' }, zone).format(at)
  const hour = dateFormat({ hour: '2-digit', minute: '2-digit' }, zone).format(at)
  return `${day} · ${(zone.split('/').at(-1) ?? zone).replaceAll('_', ' ')}, ${hour}`
}
