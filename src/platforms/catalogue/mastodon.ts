import type { Catalogue } from './entry.ts'
import { misfits, network, ours, replies } from './everywhere.ts'

/** Statuses from https://docs.joinmastodon.org/methods/statuses/ and https://docs.joinmastodon.org/methods/media/. */
export const mastodon = {
  throttled: {
    outcome: 'retry',
    cause: 'Too many calls in a short time; the server asks us to wait.',
    says: 'Mastodon asks us to wait {wait} before the next call.',
    next: 'Nothing to do: the post is sent again after that.',
    answers: [{ status: 429 }],
    waits: true,
    more: 'https://docs.joinmastodon.org/api/rate-limits/',
  },
  token_revoked: {
    outcome: 'reconnect',
    cause: 'The server no longer accepts the access token.',
    next: 'On your server under Preferences, Development, make a new access token and connect again with it.',
    answers: [{ status: 401 }],
  },
  scope_missing: {
    outcome: 'reconnect',
    cause: 'The access token may read but not write.',
    next: 'Make one with the scopes read and write, and connect the account again with it.',
  },
  forbidden: {
    outcome: 'reconnect',
    cause: 'The token may not do this, or the login is disabled; the server’s own words are shown beside.',
    says: 'The server does not allow this: {words}',
    next: 'Check that the token may read and write, and sign in to the server to see whether the account is limited.',
    answers: [{ status: 403 }],
  },
  server_gone: {
    outcome: 'reconnect',
    cause: 'There is no Mastodon where one was: the server is gone, or its address leads elsewhere.',
    says: 'The server does not know this part of Mastodon ({status}).',
    next: 'Check the server’s address. If the server is gone, connect an account on another one.',
    answers: [{ status: 404 }, { status: 410 }],
  },
  media_processing: {
    outcome: 'retry',
    cause: 'The server is still working on a picture.',
    next: 'Nothing to do: it is tried again.',
    answers: [{ to: 'post', status: 422, words: /process|finished/i }],
    afterMs: 5000,
  },
  image_refused: {
    outcome: 'rejected',
    cause: 'The server does not take a picture: it is too large for it, or of a kind it does not know.',
    says: 'The server does not take a picture ({status}): {words}',
    next: 'Replace the picture with a smaller JPEG or PNG, and publish again.',
    answers: [{ status: 413 }, { status: 415 }],
  },
  refused: {
    outcome: 'rejected',
    cause: 'The server read it and refused it by a rule of its own; its words are shown beside.',
    says: 'The server refused it: {words}',
    next: 'Change the post as the server asks and publish again.',
    answers: [{ status: 400 }, { status: 422 }],
  },
  server_error: {
    outcome: 'retry',
    cause: 'The server is in trouble.',
    says: 'The server answered {status}.',
    next: 'Nothing to do at first: it is tried again.',
    answers: [{ status: [500, 599], error: 'any' }],
  },
  unexpected_answer: {
    outcome: 'retry',
    cause: 'Something answered that is not Mastodon, or stands before it.',
    says: 'The server answered {status} with something that is not an answer of Mastodon.',
    next: 'Check that the address is that of a Mastodon server. If it is, nothing to do: it is tried again.',
    answers: [{ status: [200, 399] }, { status: [500, 599] }],
  },
  cannot_look: {
    outcome: 'unconfirmed',
    cause:
      'It is not known whether the post arrived, and we could not look: the server did not let us, or the account has posted too much since.',
    next: 'Look at the account yourself, then say whether it is there or should be sent again.',
  },
  parent_gone: {
    outcome: 'rejected',
    cause: 'The post that a part or a first comment was to answer is no longer there: somebody deleted it.',
    next: 'Publish the rest as a post of its own.',
  },
  credential_missing: {
    outcome: 'reconnect',
    cause: 'The account’s server or token is missing.',
    next: 'Connect the account again.',
  },
  ...misfits,
  ...network,
  ...replies,
  ...ours,
} as const satisfies Catalogue
