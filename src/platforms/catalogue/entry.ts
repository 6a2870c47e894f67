/** What a failure means, as data: read by the adapters, the worker, the help pages and the documentation alike. */

/**
 * What is done about it: tried again, failed until the post changes, held until the account is connected anew, or asked.
 * Of what we stop ourselves: held until it may go out, or put away.
 */
export type FailureOutcome = 'retry' | 'rejected' | 'reconnect' | 'unconfirmed' | 'held' | 'cancelled'

/** One kind of call whose refusals mean something of their own. */
export type CallKind = 'post' | 'picture' | 'sign_in'

/** An answer of the platform; everything that is given must fit. */
export interface Said {
  /** One status, or from and to. */
  status?: number | readonly [number, number]
  /** The platform's own name for the error. `any`: it gives one, whatever it is; `none`: it gives none. */
  error?: string | readonly string[] | 'any' | 'none'
  /** In the words beside the name. */
  words?: RegExp
  /** Only as the answer to such a call. */
  to?: CallKind
}

export interface Entry {
  outcome: FailureOutcome
  /** The cause in plain words, true wherever the code appears. */
  cause: string
  /** What to do about it. */
  next: string
  /**
   * The sentence at the post, where it can say more than the cause: `{status}`, `{error}`, `{words}` and `{wait}` are
   * filled in from the answer.
   */
  says?: string
  /** Answers that mean this; the first entry of the platform that fits counts. None: we found it out ourselves. */
  answers?: readonly Said[]
  /** Waits as long as the answer asks. */
  waits?: true
  /** How long it waits when the answer asks for nothing, in milliseconds; without it the worker's own back-off. */
  afterMs?: number
  /** The platform's own page about it. */
  more?: string
}

/** Failures by their code, in the order in which answers are compared. */
export type Catalogue = Readonly<Record<string, Entry>>
