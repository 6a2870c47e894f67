import type { Catalogue } from './entry.ts'
import { misfits, network, ours } from './everywhere.ts'

/** A webhook's status is its answer: what follows it is never too large. */
const { network_too_large: _, ...connection } = network

const specification = 'https://www.standardwebhooks.com'
const slowMs = 5 * 60_000

/** What Standard Webhooks lets a receiver answer: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
export const webhook = {
  gone: {
    outcome: 'reconnect',
    cause: 'The receiver says that this address is gone for good (410).',
    next: 'Connect the webhook again with its new address.',
    answers: [{ status: 410 }],
    more: specification,
  },
  redirect: {
    outcome: 'reconnect',
    cause: 'The receiver answers with a redirect, and redirects are not followed.',
    says: 'The receiver answers with a redirect ({status}), and redirects are not followed.',
    next: 'Connect the webhook again with the address it leads to.',
    answers: [{ status: [300, 399] }],
    more: specification,
  },
  throttled: {
    outcome: 'retry',
    cause: 'The receiver asks us to wait.',
    says: 'The receiver asks us to wait {wait} before the next call.',
    next: 'Nothing to do: the post is sent again after that.',
    answers: [{ status: 429 }],
    waits: true,
  },
  refused: {
    outcome: 'rejected',
    cause: 'The receiver read the post and refused it.',
    says: 'The receiver read the post and refused it ({status}).',
    next: 'Look into the receiver’s log, change the post or the receiver, and publish again.',
    answers: [{ status: 400 }, { status: 413 }, { status: 422 }],
    more: specification,
  },
  receiver_error: {
    outcome: 'retry',
    cause: 'The receiver is in trouble, or was not ready.',
    says: 'The receiver answered {status}.',
    next: 'It is tried again. If it goes on, look into the receiver’s log.',
    answers: [{ status: 408 }, { status: 425 }, { status: [500, 599] }],
    waits: true,
    more: specification,
  },
  not_taken: {
    outcome: 'retry',
    cause: 'The receiver does not take the delivery: its address or its access rules are not what they were.',
    says: 'The receiver answered {status}.',
    next: 'It is tried again every few minutes. Look into the receiver’s log: it may want another address, or to let us in.',
    answers: [{ status: [401, 499] }],
    waits: true,
    afterMs: slowMs,
    more: specification,
  },
  answer_unknown: {
    outcome: 'retry',
    cause: 'It is not known whether the receiver got the post, and a webhook cannot be asked.',
    next: 'Nothing to do: it is sent again with the same webhook-id, by which the receiver knows a repeat.',
    more: specification,
  },
  credential_missing: {
    outcome: 'reconnect',
    cause: 'The webhook’s address or secret is missing.',
    next: 'Connect the webhook again.',
  },
  ...misfits,
  ...connection,
  ...ours,
} as const satisfies Catalogue
