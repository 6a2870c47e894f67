import type { Catalogue } from './entry.ts'
import { misfits, network, ours, replies } from './everywhere.ts'

const passwords = 'https://bsky.app/settings/app-passwords'

/**
 * Error names from the server's source and lexicons (https://github.com/bluesky-social/atproto, packages/pds,
 * packages/xrpc-server, lexicons/com/atproto).
 */
export const bluesky = {
  throttled: {
    outcome: 'retry',
    cause: 'Too many calls in a short time; Bluesky asks us to wait.',
    says: 'Bluesky asks us to wait {wait} before the next call.',
    next: 'Nothing to do: the post is sent again after that.',
    answers: [{ status: 429 }, { error: 'RateLimitExceeded' }],
    waits: true,
    more: 'https://docs.bsky.app/docs/advanced-guides/rate-limits',
  },
  account_inactive: {
    outcome: 'reconnect',
    cause: 'The Bluesky account is deactivated, suspended or taken down.',
    says: 'The Bluesky account is not active ({error}).',
    next: 'Sign in at bsky.app to see why, then connect the account again.',
    answers: [
      {
        error: [
          'AccountTakedown',
          'AccountDeactivated',
          'AccountSuspended',
          'RepoNotFound',
          'RepoTakendown',
          'RepoSuspended',
          'RepoDeactivated',
        ],
      },
    ],
    more: 'https://bsky.app',
  },
  sign_in_code: {
    outcome: 'reconnect',
    cause: 'The account asks for a code by mail at sign-in, which only a person can give.',
    next: 'Make an app password, which works without the code, and connect the account again with it.',
    answers: [{ error: 'AuthFactorTokenRequired' }],
    more: passwords,
  },
  sign_in_refused: {
    outcome: 'reconnect',
    cause: 'Bluesky does not accept this handle and app password, or the app password was revoked.',
    next: 'Make a new app password and connect the account again with it.',
    answers: [
      { status: 401 },
      { status: 403, error: 'any' },
      { to: 'sign_in', status: 400, error: 'any' },
      { error: ['AuthenticationRequired', 'AuthMissing', 'InvalidToken', 'ExpiredToken'] },
    ],
    more: passwords,
  },
  pictures_gone: {
    outcome: 'retry',
    cause: 'Bluesky has put away an uploaded picture that no post used, and did not find it again at once.',
    next: 'Nothing to do: the pictures are uploaded again at the next try.',
    answers: [
      { to: 'post', error: 'BlobNotFound' },
      { to: 'post', status: 400, words: /could not find blob/i },
    ],
  },
  refused: {
    outcome: 'rejected',
    cause: 'Bluesky read the post and refused it; its own words are shown beside.',
    says: 'Bluesky refused the post: {words}',
    next: 'Change the post and publish again.',
    answers: [
      {
        to: 'post',
        status: [400, 422],
        error: ['InvalidRequest', 'InvalidRecord', 'InvalidSwap', 'RecordTooLarge', 'PayloadTooLarge'],
      },
    ],
  },
  image_refused: {
    outcome: 'rejected',
    cause: 'Bluesky refused a picture.',
    next: 'Replace it with a JPEG or PNG, or with a smaller one, and publish again.',
    answers: [
      { to: 'picture', status: [400, 415], error: ['InvalidRequest', 'InvalidMimeType', 'BlobTooLarge'] },
      { to: 'picture', status: 413 },
    ],
  },
  server_error: {
    outcome: 'retry',
    cause: 'The Bluesky server is in trouble.',
    says: 'Bluesky answered {status} ({error}).',
    next: 'Nothing to do at first: it is tried again with the same record key, so nothing can appear twice.',
    answers: [
      { status: [500, 599], error: 'any' },
      { error: ['UpstreamFailure', 'UpstreamTimeout', 'NotEnoughResources', 'InternalServerError'] },
    ],
    more: 'https://status.bsky.app',
  },
  unexpected_answer: {
    outcome: 'retry',
    cause: 'Something answered that is not a Bluesky server, or stands before one.',
    says: 'The server answered {status} with something that is not an answer of Bluesky.',
    next: 'Check that the address is that of a Bluesky server. If it is, nothing to do: it is tried again.',
    answers: [{ status: [200, 299] }, { error: 'none' }],
  },
  parent_gone: {
    outcome: 'rejected',
    cause: 'The post that a part or a first comment was to answer is no longer there: somebody deleted it.',
    next: 'Publish the rest as a post of its own.',
  },
  settings_missing: {
    outcome: 'reconnect',
    cause: 'The account’s server address is missing.',
    next: 'Connect the account again.',
  },
  ...misfits,
  ...network,
  ...replies,
  ...ours,
} as const satisfies Catalogue
