import { z } from 'zod'
import { slug } from '../auth/schema.ts'

/** A passphrase is the only key to an export: who forgets it has nothing. */
const shortestPassphrase = 12
const passphrase = z
  .string({ error: 'must be a text' })
  .min(shortestPassphrase, { error: `needs at least ${shortestPassphrase} characters` })
  .max(1000, { error: 'has at most 1000 characters' })

export const NewAddress = z.strictObject({ slug })
export const NewExport = z.strictObject({ passphrase })
export const ExportForm = z
  .strictObject({ passphrase, passphraseAgain: z.string({ error: 'type it a second time' }) })
  .refine(given => given.passphrase === given.passphraseAgain, {
    error: 'is not the same as above',
    path: ['passphraseAgain'],
  })
export const NewErasure = z.strictObject({
  /** The workspace's own address, typed to be sure. */
  confirm: z.string({ error: "must be the workspace's address" }).trim().max(60),
})

export type ExportState = 'preparing' | 'ready' | 'failed'

/** A capsule of the workspace that an owner asked for; it can be fetched for a day. */
export interface Export {
  id: string
  state: ExportState
  /** Size of the file; null until it is ready. */
  bytes: number | null
  createdAt: string
  expiresAt: string
  /** Who asked for it. */
  userId: string | null
}

/** A copy of the workspace that Masthead keeps by itself, to go back to. */
export interface Snapshot {
  name: string
  bytes: number
  at: string
}
