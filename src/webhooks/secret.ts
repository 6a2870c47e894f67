import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Scope } from '../db/scope.ts'
import { openFor, sealFor, webhookSecret } from '../tenants/sealed.ts'
import { formerSecretHours } from './schema.ts'

/** What a webhook signs with: its secret, and after a change the former one for a while. Sealed as one value. */
const Secrets = z.object({
  secret: z.string(),
  former: z.object({ secret: z.string(), until: z.number() }).nullable(),
})
export type Secrets = z.infer<typeof Secrets>

export const newSecrets = (): Secrets => ({
  secret: `whsec_${randomBytes(32).toString('base64')}`,
  former: null,
})

/** @param now the database's clock */
export const rotated = ({ secret }: Secrets, now: Date): Secrets => ({
  ...newSecrets(),
  former: { secret, until: now.getTime() + formerSecretHours * 3_600_000 },
})

/** The secrets to sign with at this moment, the newest first. */
export const signingWith = ({ secret, former }: Secrets, now: Date): string[] =>
  former && now.getTime() < former.until ? [secret, former.secret] : [secret]

export const sealSecrets = (scope: Scope, id: string, secrets: Secrets): Buffer =>
  sealFor(scope.tenant, webhookSecret, { id }, JSON.stringify(secrets))

/** @returns null when they were sealed under another secret of the instance, or changed */
export function openSecrets(scope: Scope, id: string, sealed: Uint8Array): Secrets | null {
  try {
    return Secrets.parse(JSON.parse(openFor(scope.tenant, webhookSecret, { id }, sealed).toString()))
  } catch {
    // Said where it is needed: nothing can be signed, and a person has to make a new secret.
    return null
  }
}
