/** How a send ends that is refused, or breaks, on our side. */
import { outsideWindow } from '../approvals/schema.ts'
import { sideOf, windowWords } from '../approvals/window.ts'
import { replies } from '../platforms/catalogue/everywhere.ts'
import type { Outcome } from '../platforms/platform.ts'
import { sealBroken } from '../publishing/seals.ts'
import type { ClaimedJob } from './claim.ts'
import type { Ending } from './settle.ts'

/** Three workers died with this job in their hands: it may be what kills them. */
export const quarantine = (job: ClaimedJob): Outcome => ({
  is: job.armed ? 'unconfirmed' : 'rejected',
  why: {
    code: 'broke_off',
    message: `Sending this broke off ${job.lost} times without a word, so it is not tried again by itself.`,
    next: job.armed
      ? 'Look at the account, then tell us: it is there, send it again, or give up. What broke it off is in the server’s log.'
      : 'It has not gone out. What broke it off is in the server’s log; try again when the cause is gone.',
  },
})

const { cause, next } = replies.parent_unknown
export const parentUnknown = { code: 'parent_unknown', message: cause, next }

/** The bytes of a picture are not those that were saved, and approved. */
export class PictureChanged extends Error {
  constructor() {
    super('A picture of this post is not the one that was saved')
  }
}

export const pictureChanged = {
  code: 'picture_changed',
  message: 'The file of a picture is not the one that was saved: it was changed or damaged on the server.',
  next: 'Upload the picture again, put it into the post, and save. Nothing was sent.',
}

/** Nothing is sent where an approval is required and did not pin these very bytes. */
export const unsealed = ({ sealed }: ClaimedJob): Ending => ({
  is: 'unsealed',
  why: {
    code: sealBroken,
    message:
      sealed === null
        ? 'Nobody has approved what this account would be sent, so nothing was sent.'
        : 'What would have gone out is not what was approved, so nothing was sent.',
    next: 'It goes out once it is approved as it is now.',
  },
})

/** The job's time is not one that it was approved for. @param now by the database's clock */
export function outside({ opened, zone }: ClaimedJob, now: Date): Ending {
  const window = opened?.payload.window
  const early = window && sideOf(window, now) === 'before'
  return {
    is: 'unsealed',
    why: {
      code: outsideWindow,
      message: `It was approved to go out ${window ? windowWords(window, zone) : 'at another time'}; that time ${
        early ? 'has not begun' : 'is over'
      }.`,
      next: early
        ? 'Move it into that time, and ask for approval again.'
        : 'It waits for approval again: it goes out once it is approved for a time that is still to come.',
    },
  }
}

export const accountGone = {
  code: 'account_gone',
  message: 'The account or the content of this post is no longer here.',
  next: 'Connect the account again and schedule the content anew.',
}

export const heldBack = {
  code: 'held_back',
  message: 'It was held back before anything was sent.',
  next: 'It goes out when it may.',
}

export const needsReconnect = (name: string) => ({
  code: 'reconnect_needed',
  message: `${name} has to be connected again before this can go out.`,
  next: 'Reconnect the account: the post then goes out by itself.',
})

export const broke = (name: string, error: unknown) => ({
  code: 'internal',
  message: `Something went wrong on our side while talking to ${name}.`,
  next: 'It is written in the log. The post is not sent twice.',
  raw: error instanceof Error ? error.message.slice(0, 300) : null,
})
