import type { Scope } from '../db/scope.ts'
import { openWith, sealWith } from '../lib/seal.ts'
import type { Json } from '../platforms/platform.ts'

export type Secret = Record<string, Json>

/** Where a sealed secret belongs; bytes copied to another row or tenant do not open. */
const placeOf = (scope: Scope, accountId: string): string =>
  `${scope.tenant.id}/social_accounts/${accountId}/secret`

export const sealSecret = (scope: Scope, accountId: string, secret: Secret): Buffer =>
  sealWith(scope.tenant.keys, JSON.stringify(secret), placeOf(scope, accountId))

/** An account without a secret (the own feed) opens as an empty one. */
export const openSecret = (scope: Scope, accountId: string, sealed: Uint8Array | null): Secret =>
  sealed === null
    ? {}
    : (JSON.parse(openWith(scope.tenant.keys, sealed, placeOf(scope, accountId)).toString()) as Secret)
