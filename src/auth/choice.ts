import { isId } from '../lib/id.ts'
import { deriveKey, open, seal } from '../lib/seal.ts'
import type { Login } from './sign-in.ts'

/** Seconds in which to choose among several workspaces. */
const choiceSeconds = 5 * 60

export interface Choosable {
  tenantId: string
  userId: string
  proof: string
}

const key = (secret: string) => deriveKey(secret, 'workspace choice')
const about = 'workspace choice'

/** The workspaces where a password has just fitted, sealed, so that the choice needs no second password. */
export function sealChoice(secret: string, logins: readonly Login[], now = Date.now()): string {
  const choices: Choosable[] = logins.map(({ tenant, userId, proof }) => ({
    tenantId: tenant.id,
    userId,
    proof,
  }))
  const plain = JSON.stringify({ until: now + choiceSeconds * 1000, choices })
  return seal(key(secret), plain, about).toString('base64url')
}

/** What was sealed; null when it was not sealed here, was changed, or is too old. */
export function openChoice(secret: string, sealed: string, now = Date.now()): Choosable[] | null {
  try {
    const { until, choices } = JSON.parse(
      open(key(secret), Buffer.from(sealed, 'base64url'), about).toString(),
    ) as { until: number; choices: Choosable[] }
    return until > now && choices.every(({ tenantId, userId }) => isId(tenantId) && isId(userId))
      ? choices
      : null
  } catch {
    return null
  }
}
