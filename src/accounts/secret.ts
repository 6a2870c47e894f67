import type { Scope } from '../db/scope.ts'
import type { Json } from '../platforms/platform.ts'
import { accountSecret, openFor, sealFor } from '../tenants/sealed.ts'

export type Secret = Record<string, Json>

export const sealSecret = (scope: Scope, accountId: string, secret: Secret): Buffer =>
  sealFor(scope.tenant, accountSecret, { id: accountId }, JSON.stringify(secret))

/** An account without a secret (the own feed) opens as an empty one. */
export const openSecret = (scope: Scope, accountId: string, sealed: Uint8Array | null): Secret =>
  sealed === null
    ? {}
    : (JSON.parse(openFor(scope.tenant, accountSecret, { id: accountId }, sealed).toString()) as Secret)
