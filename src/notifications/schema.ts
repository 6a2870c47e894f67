export const kinds = [
  'failed',
  'unconfirmed',
  'reconnect',
  'review',
  'changes',
  'comment',
  'brake',
  'different',
] as const
export type Kind = (typeof kinds)[number]

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
