import { z } from 'zod'

export const kinds = [
  'failed',
  'unconfirmed',
  'reconnect',
  'different',
  'webhook',
  'brake',
  'review',
  'changes',
  'comment',
  'forecast',
] as const
export type Kind = (typeof kinds)[number]

/** What something is that went wrong is always told on the desk: these may be kept from it. */
export const quietable = ['review', 'changes', 'comment'] as const satisfies readonly Kind[]
/** What may come by mail in quiet hours too. */
export const urgent: readonly Kind[] = ['failed', 'unconfirmed']

const listOf = <T extends string>(values: readonly [T, ...T[]]) =>
  z.array(z.enum(values, { error: `must be one of ${values.join(', ')}` }), {
    error: 'must be a list of kinds',
  })
const hour = z
  .string({ error: 'must look like 22:00' })
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: 'must look like 22:00' })

/** When no mail shall come, in wall time of a zone; it may go over midnight. */
export const QuietHours = z.strictObject({
  from: hour,
  until: hour,
  zone: z.string({ error: 'must be a time zone' }),
  /** Whether urgent mails come all the same. */
  urgent: z.boolean({ error: 'must be true or false' }).default(true),
})
export type QuietHours = z.infer<typeof QuietHours>

/** What is told where: `app` on the desk, beside what always is, and `mail`. What is left out stays as it is. */
export const ChannelChange = z.strictObject({
  app: listOf(quietable).optional(),
  mail: listOf(kinds).optional(),
  quiet: QuietHours.nullable().optional(),
})
export type ChannelChange = z.infer<typeof ChannelChange>

/** The same as the form has it: quiet hours are off without a time. */
export const ChannelForm = z.strictObject({
  app: listOf(quietable).default([]),
  mail: listOf(kinds).default([]),
  from: hour.optional(),
  until: hour.optional(),
  zone: z.string().optional(),
  urgent: z.boolean().default(false),
})
export type ChannelForm = z.infer<typeof ChannelForm>

/** One person's choice as it holds now. */
export interface Channels {
  app: Kind[]
  mail: Kind[]
  quiet: QuietHours | null
  /** Whether any notification comes by mail at all. */
  byMail: boolean
}

/** Something that asks for one person; done once it is answered, by whomever, or put away by that person. */
export interface Notification {
  id: string
  kind: Kind
  /** What it is about, in a sentence. */
  about: string
  /** Where the answer is given, below the workspace's own address: `/publish-jobs/…`. */
  path: string
  subjectId: string
  createdAt: string
  doneAt: string | null
}
