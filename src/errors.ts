/** What can go wrong in words. No HTTP numbers here: `http/problems` gives each its status. */

export interface FieldError {
  path: string
  message: string
}

/** The base of every refusal that a person or client is told about; `code` is stable and part of the API. */
export abstract class Refusal extends Error {
  abstract readonly code: string
  readonly errors: readonly FieldError[] = []
}

/** Unknown, malformed or another tenant's: an outsider cannot tell which. */
export class NotFound extends Refusal {
  readonly code = 'not_found'
  constructor(what = 'There is nothing here, or it is not yours to see.') {
    super(what)
  }
}

export class Forbidden extends Refusal {
  readonly code = 'forbidden'
}

/**
 * The workspace serves nobody for now. Told only to those who have proved that they belong to it.
 * @param visitor who it was told to; null where no page is shown
 */
export class Suspended extends Refusal {
  readonly code = 'suspended'
  constructor(
    readonly reason: string | null,
    readonly eraseAfter: Date | null,
    readonly visitor: { slug: string; workspace: string; zone: string; owner: boolean } | null = null,
  ) {
    super(suspendedWords(reason, eraseAfter))
  }
}

function suspendedWords(reason: string | null, eraseAfter: Date | null): string {
  const why = reason ? `This workspace is suspended: ${reason.replace(/[.!]?$/, '.')}` : null
  const erased = eraseAfter
    ? `It is to be erased after ${eraseAfter.toISOString().slice(0, 16).replace('T', ' ')} UTC; an owner can keep it until then.`
    : 'Ask whoever runs this Masthead.'
  return [why ?? 'This workspace is suspended.', erased].join(' ')
}

export class Unauthenticated extends Refusal {
  readonly code = 'unauthenticated'
  constructor(message = 'Sign in first, or send a valid API key as "Authorization: Bearer …".') {
    super(message)
  }
}

export class Conflict extends Refusal {
  constructor(
    message: string,
    readonly code: 'conflict' | 'job_in_flight' = 'conflict',
  ) {
    super(message)
  }
}

export type InvalidCode =
  | 'invalid'
  | 'time_in_past'
  | 'outside_window'
  | 'time_does_not_exist'
  | 'time_happens_twice'
  | 'unknown_zone'
  | 'connection_failed'
  | 'idempotency_key_reused'

/** What was sent cannot be taken; `errors` names the fields. */
export class Invalid extends Refusal {
  constructor(
    message: string,
    override readonly errors: readonly FieldError[] = [],
    readonly code: InvalidCode = 'invalid',
  ) {
    super(message)
  }
}

export class Malformed extends Refusal {
  constructor(
    message: string,
    readonly code: 'malformed_body' | 'bad_cursor' = 'malformed_body',
  ) {
    super(message)
  }
}

export class TooLarge extends Refusal {
  readonly code = 'too_large'
}

export class TooMany extends Refusal {
  readonly code = 'too_many'
  constructor(
    message: string,
    readonly retryAfterSeconds: number,
  ) {
    super(message)
  }
}

export class Unavailable extends Refusal {
  readonly code = 'unavailable'
  constructor(
    message = 'The database does not answer just now. Try again in a few seconds.',
    readonly retryAfterSeconds = 5,
    cause?: unknown,
  ) {
    super(message, { cause })
  }
}

/** The process cannot go on: one sentence for the operator, exit code 1, no stack. */
export class Stop extends Error {}
