import { about, misfit } from '../platforms/misfit.ts'
import type { Account, Answered, Json, Platform, Post } from '../platforms/platform.ts'
import { outOf, type PartOut, partStep } from '../publishing/parts.ts'
import type { Ending } from './settle.ts'

interface Thread {
  platform: Platform
  account: Account
  /** What the job remembers of its former attempts. */
  steps: Readonly<Record<string, Json>>
  /** Whether a former attempt may have sent the first part that is not known to be out. */
  doubtful: boolean
  sendOne(part: Post, doubtful: boolean): Promise<Ending>
  /** Remembers durably that a part is out. */
  keep(step: string, out: PartOut): Promise<void>
}

/**
 * Sends the parts of a thread in their order, each armed, sent and remembered by itself. Goes on where a former attempt
 * broke off: what is known to be out is not sent again. The whole is published when its last part is, under the first
 * part's id.
 */
export async function sendThread(post: Post, thread: Thread): Promise<Ending> {
  const { platform, account, steps, sendOne, keep } = thread
  const parts = partsOf(post)
  const out = outOf(steps)
  // Nothing of it goes out when a later part is one that the platform would refuse.
  const why = out.length === 0 && !thread.doubtful ? misfit(post, account.limits, platform.name) : null
  if (why) return { is: 'rejected', why }
  let doubtful = thread.doubtful
  for (const part of parts.slice(out.length)) {
    const outcome = await sendOne({ ...part, answers: above(post.answers, out) }, doubtful)
    if (outcome.is !== 'published') return told(outcome, part.part, parts.length)
    const { remoteId, remoteUrl } = outcome
    out.push({ remoteId, remoteUrl })
    await keep(partStep(part.part), { remoteId, remoteUrl })
    // A later part is sent only by who has remembered the one before it: this attempt, then.
    doubtful = false
  }
  const [first] = out
  if (!first) throw new Error('A thread has a first part')
  return { is: 'published', ...first }
}

function partsOf(post: Post): Post[] {
  const { text, images, thread } = post
  return [{ text, images }, ...thread].map((part, at) => ({ ...post, ...part, part: at + 1, thread: [] }))
}

function above(own: Answered | null, out: readonly PartOut[]): Answered | null {
  const [first] = out
  const last = out.at(-1)
  return first && last ? { root: own?.root ?? first.remoteId, parent: last.remoteId } : own
}

/** What stopped a part, with how far the thread has come. */
function told(outcome: Exclude<Ending, { is: 'published' }>, part: number, of: number): Ending {
  if (!('why' in outcome)) return outcome
  const why = about(`Part ${part}`, outcome.why)
  if (part === 1) return { ...outcome, why }
  const goesOn = outcome.is === 'rejected' && why.code !== 'parent_gone'
  return {
    ...outcome,
    why: {
      ...why,
      message: `${part - 1} of ${of} parts are out. ${why.message}`,
      next: goesOn
        ? `${why.next} “Try again” goes on from part ${part}, with the words as they are then.`
        : why.next,
    },
  }
}
