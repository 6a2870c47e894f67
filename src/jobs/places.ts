import type { PlatformId } from '../platforms/platform.ts'

/** How many sends and runs go on at once in this process, those that take long aside. */
export const places = 96
/** A send that takes longer gives its place back: the platform is slow, and others are not to wait for it. */
const longMs = 500
/** So many sends that take long a platform may have; then it gets no more until one of them ends. */
const mostLong = 64

/** Who has a place, and which platforms have taken theirs. */
export interface Places {
  /** How many are free. */
  free(): number
  /** How many a tenant has. */
  heldBy(tenantId: string): number
  /** Platforms that are given nothing more for now. */
  full(): PlatformId[]
  /** @returns called when the work has ended */
  take(tenantId: string, platform: PlatformId | null): () => void
}

/**
 * @param onFree a place came free although nothing ended
 * @param onOpen a platform that was full is so no more
 */
export function createPlaces(onFree: () => void, onOpen: () => void): Places {
  let taken = 0
  const held = new Map<string, number>()
  const long = new Map<PlatformId, number>()
  const add = <Key>(to: Map<Key, number>, key: Key, change: 1 | -1) => {
    const now = (to.get(key) ?? 0) + change
    if (now > 0) to.set(key, now)
    else to.delete(key)
    return now
  }
  const hold = (tenantId: string, change: 1 | -1) => {
    taken += change
    add(held, tenantId, change)
  }
  return {
    free: () => places - taken,
    heldBy: tenantId => held.get(tenantId) ?? 0,
    full: () => [...long].filter(([, sends]) => sends >= mostLong).map(([platform]) => platform),
    take(tenantId, platform) {
      hold(tenantId, 1)
      if (platform === null) return () => hold(tenantId, -1)
      let isLong = false
      const timer = setTimeout(() => {
        isLong = true
        hold(tenantId, -1)
        add(long, platform, 1)
        onFree()
      }, longMs)
      return () => {
        clearTimeout(timer)
        if (!isLong) hold(tenantId, -1)
        else if (add(long, platform, -1) === mostLong - 1) onOpen()
      }
    },
  }
}
