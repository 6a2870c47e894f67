import type { PlatformId } from '../platforms/platform.ts'

/**
 * How many sends and runs go on at once in this process, those that take long aside: with networks that answer in 300 ms
 * some 850 posts a second. Each costs a socket.
 */
export const places = 256
/**
 * So many sends may have had their answer and wait for their record; each of them would have to be looked for after a
 * crash. Then nothing more is begun.
 */
const mostUnrecorded = 2_048
/** A send that takes longer gives its place back: the platform is slow, and others are not to wait for it. */
const longMs = 500
/** So many sends that take long a platform may have; then it gets no more until one of them ends. */
const mostLong = 64

/** Who has a place, and which platforms have taken theirs. */
export interface Places {
  /** How many are free. */
  free(): number
  /** How many a tenant has, with those that wait for their record. */
  heldBy(tenantId: string): number
  /** Platforms that are given nothing more for now. */
  full(): PlatformId[]
  take(tenantId: string, platform: PlatformId | null): Place
}

export interface Place {
  /** The call has had its answer: the place is free, and what is left is to write down how it ended. */
  answered(): void
  /** The work has ended. */
  ended(): void
}

/**
 * @param onFree a place came free although nothing ended
 * @param onOpen a platform that was full is so no more
 */
export function createPlaces(onFree: () => void, onOpen: () => void): Places {
  let taken = 0
  let unrecorded = 0
  const held = new Map<string, number>()
  const long = new Map<PlatformId, number>()
  const add = <Key>(to: Map<Key, number>, key: Key, change: 1 | -1) => {
    const now = (to.get(key) ?? 0) + change
    if (now > 0) to.set(key, now)
    else to.delete(key)
    return now
  }
  return {
    free: () => Math.min(places - taken, mostUnrecorded - unrecorded),
    heldBy: tenantId => held.get(tenantId) ?? 0,
    full: () => [...long].filter(([, sends]) => sends >= mostLong).map(([platform]) => platform),
    take(tenantId, platform) {
      let [has, isLong, waits] = [true, false, false]
      taken += 1
      add(held, tenantId, 1)
      const giveBack = () => {
        clearTimeout(timer)
        if (has) taken -= 1
        has = false
      }
      const timer = setTimeout(() => {
        if (platform === null) return
        giveBack()
        isLong = true
        add(held, tenantId, -1)
        add(long, platform, 1)
        onFree()
      }, longMs)
      const called = () => {
        giveBack()
        if (isLong && platform !== null && !waits && add(long, platform, -1) === mostLong - 1) onOpen()
      }
      return {
        answered() {
          called()
          waits = true
          unrecorded += 1
          onFree()
        },
        ended() {
          called()
          if (waits) unrecorded -= 1
          if (!isLong) add(held, tenantId, -1)
        },
      }
    },
  }
}
