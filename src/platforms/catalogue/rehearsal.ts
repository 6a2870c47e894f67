import type { Catalogue } from './entry.ts'
import { misfits, ours, replies } from './everywhere.ts'

export const rehearsal = {
  rehearsed_rejection: {
    outcome: 'rejected',
    cause: 'The rehearsal network refused this post, as its settings ask.',
    next: 'Change the answer in the account’s settings to let posts through.',
  },
  throttled: {
    outcome: 'retry',
    cause: 'The rehearsal network asks us to wait, as its settings ask.',
    next: 'Nothing to do: the post is sent again after that.',
    afterMs: 30_000,
  },
  called_off: {
    outcome: 'retry',
    cause: 'The sending was called off before the post had arrived.',
    next: 'Nothing to do: the post is sent again.',
  },
  answer_lost: {
    outcome: 'unconfirmed',
    cause: 'The post was sent, but the answer was lost, as the rehearsal’s settings ask.',
    next: 'Nothing to do: we look at the network before anything is sent again.',
  },
  ...misfits,
  ...replies,
  ...ours,
} as const satisfies Catalogue
