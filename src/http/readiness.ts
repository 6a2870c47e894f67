/** Whoever asked within this time is taken to ask again before it sends the next request here. */
const askedLatelyMs = 30_000
/** So often it must have heard "no": the first answer may cross a request that is already on its way. */
const toldTimes = 2

/** Whether this process wants requests, as a balancer in front of it sees it. */
export interface Readiness {
  /** Called by `/readyz`: whether to answer yes. Once the process leaves, the answer is no. */
  asked(): boolean
  /**
   * From now on the answer is no. Resolves when nobody who balances has to be told any more: at once when nobody has
   * asked lately, else when it has been told, at most after `mostMs`. Called again, it resolves at once.
   */
  leave(mostMs: number): Promise<void>
}

export function createReadiness(): Readiness {
  let lastAsked = Number.NEGATIVE_INFINITY
  let leaving = false
  let told = 0
  const allTold = Promise.withResolvers<void>()
  return {
    asked() {
      lastAsked = Date.now()
      if (leaving && ++told >= toldTimes) allTold.resolve()
      return !leaving
    },
    async leave(mostMs) {
      if (leaving || Date.now() - lastAsked > askedLatelyMs) allTold.resolve()
      leaving = true
      const timer = setTimeout(allTold.resolve, mostMs)
      await allTold.promise
      clearTimeout(timer)
    },
  }
}
