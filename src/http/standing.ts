import type { Visit } from '../auth/session.ts'
import type { Scope } from '../db/scope.ts'
import { Suspended, Unauthenticated } from '../errors.ts'

/** Whom a door lets in while the workspace is suspended. */
export type Serves = 'nobody' | 'owners' | 'everybody'

/** @throws Suspended, once it is proved that the visitor belongs to the workspace; Unauthenticated while it is half made */
export function refuseSuspended({ tenant }: Pick<Scope, 'tenant'>, visit: Visit, serves: Serves): void {
  if (tenant.state === 'active') return
  if (tenant.state !== 'suspended') throw new Unauthenticated()
  const owner = visit.user.role === 'owner'
  if (serves === 'everybody' || (serves === 'owners' && owner)) return
  const { slug, name, zone } = visit.workspace
  throw new Suspended(tenant.stateReason, tenant.eraseAfter, { slug, workspace: name, zone, owner })
}
