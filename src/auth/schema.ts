import { z } from 'zod'
import { roles } from '../permissions.ts'

export const email = z
  .string({ error: 'must be a mail address' })
  .trim()
  .max(254, { error: 'is too long' })
  .regex(/^[^\s@]+@[^\s@]+\.[^\s@]+$/, { error: 'must be a mail address such as ines@example.com' })
export const personName = z
  .string({ error: 'must be a name' })
  .trim()
  .min(1, { error: 'must not be empty' })
  .max(120, { error: 'has at most 120 characters' })
export const password = z.string({ error: 'must be a text' }).max(1000)
export const slug = z
  .string({ error: 'must be a text' })
  .trim()
  .toLowerCase()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/, {
    error: 'use 1 to 40 letters, digits and hyphens, such as northwind',
  })
export const zone = z
  .string({ error: 'must be a time zone such as Europe/Berlin' })
  .min(1, { error: 'choose a time zone' })
export const country = z
  .string({ error: 'must be a country code of two letters' })
  .trim()
  .toUpperCase()
  .length(2, { error: 'must be a country code of two letters' })

/** The longest that a post may be allowed to be late, in minutes: thirty days. */
const longestLate = 43_200
/** So many minutes late a post goes out unasked; later it asks. */
export const lateMinutes = z
  .number({ error: 'must be a number of minutes' })
  .int({ error: 'must be whole minutes' })
  .min(1, { error: 'must be at least 1 minute' })
  .max(longestLate, { error: `must be at most ${longestLate} minutes` })

export const role = z.enum(roles, { error: `must be one of ${roles.join(', ')}` })

export const Setup = z.strictObject({
  code: z
    .string({ error: 'must be the code from the terminal' })
    .trim()
    .min(1, { error: 'type the code from the terminal' }),
  name: personName,
  /** Left empty, it is made from the name. */
  slug: slug.optional(),
  country: country.optional(),
  zone,
  ownerName: personName,
  email,
  password,
})
export type Setup = z.infer<typeof Setup>

export const SignIn = z.strictObject({
  email: z
    .string({ error: 'must be a mail address' })
    .trim()
    .min(1, { error: 'type your mail address' })
    .max(254, { error: 'is too long' }),
  password: z
    .string({ error: 'type your password' })
    .min(1, { error: 'type your password' })
    .max(1000, { error: 'is too long' }),
  workspace: z.string().trim().toLowerCase().max(40, { error: 'is too long' }).optional(),
  next: z.string().max(2000).optional(),
})

/** Asking for a link for a new password. */
export const Forgotten = z.strictObject({
  email,
  workspace: z.string().trim().toLowerCase().max(40, { error: 'is too long' }).optional(),
})

/** Which of several workspaces to enter, after the password was right. */
export const WorkspaceChoice = z.strictObject({
  choice: z.string({ error: 'is missing' }),
  tenant: z.string({ error: 'choose a workspace' }),
  next: z.string().max(2000).optional(),
})

export const NewSession = z.strictObject({
  workspace: z
    .string({ error: 'must be the address (slug) of the workspace' })
    .trim()
    .toLowerCase()
    .max(40, { error: 'is too long' }),
  email: z.string({ error: 'must be a mail address' }).trim().max(254, { error: 'is too long' }),
  password: z.string({ error: 'must be a text' }).max(1000, { error: 'is too long' }),
})

/** Names with "password" in them are never sent back in a rejected form. */
export const PasswordChange = z.strictObject({
  currentPassword: z.string({ error: 'type your present password' }).min(1, {
    error: 'type your present password',
  }),
  password,
})
export const PasswordReset = z.strictObject({ password })
export const Joining = z.strictObject({ name: personName, password })
