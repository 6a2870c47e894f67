import type { Told } from '../check.ts'
import type { Play, Size, Wish } from '../plan.ts'
import type { Rig } from '../rig.ts'

/** What a fault came to: how often it struck (never means that nothing was proved), and what its player saw. */
export interface Struck {
  times: number
  /** More about it, for the table. */
  words?: string
  told?: readonly Told[]
}

export interface Fault {
  /** As in the plan of faults. */
  number: number
  name: string
  /** How late a post may be once nothing is in the way any more, on a machine that is quick enough. */
  mostLateMs: number
  /** Makes the rig as the play needs it, before its posts are planned. */
  before?(rig: Rig): Promise<void>
  /** The posts of its play; absent: the usual ones. */
  wishes?(rig: Rig, play: Play, size: Size): Wish[]
  /** Plays it while posts fall due, and ends when nothing is in the way any more. */
  play(rig: Rig, play: Play): Promise<Struck>
  /** Puts the processes back as they were, when every post has ended. */
  after?(rig: Rig): Promise<void>
}

/** The lease of a worker that is gone, the look after it, and a wait for the next try. */
export const takenOverMs = 60_000
/** A wait that the platform's adapter keeps before it repeats, and the tries after that. */
export const repeatedMs = 90_000
