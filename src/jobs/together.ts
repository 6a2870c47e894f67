import type { Scope, Within } from '../db/scope.ts'

/** Work on all of its items at once, in one transaction. @returns the results, in the items' order */
type SetWork<Item, Result> = (scope: Scope, items: readonly Item[]) => Promise<Result[]>

interface Piece {
  work: SetWork<unknown, unknown>
  item: unknown
  settle(result: Settled): void
}
type Settled = { ok: true; value: unknown } | { ok: false; error: unknown }

/** Small writes in a transaction of their tenant, together with others of the same moment. */
export interface Together {
  run<T>(tenantId: string, work: (scope: Scope) => Promise<T>): Promise<T>
  /** The same `work` is called once for all items of the moment. */
  inSet<Item, Result>(tenantId: string, work: SetWork<Item, Result>, item: Item): Promise<Result>
}

/** So many pieces share one transaction at the most: a failure makes each of them run again alone. */
const most = 32
/** A transaction that takes longer waits for somebody's lock, and gives its lane back: others are not to wait for it. */
const longMs = 100

/** For writes that can wait for others. */
export interface Lanes {
  /** How many of their transactions may be under way just now; at least one. */
  open(): number
}

/**
 * Small writes of one tenant that come within the same moment share a transaction, and so a commit: while one is under
 * way the next ones gather. A piece must be repeatable: when one throws, the transaction is rolled back, and each is
 * performed again alone.
 */
export function createTogether(within: Within, lanes?: Lanes): Together {
  const waiting = new Map<string, Piece[]>()
  const busy = new Set<string>()
  let inside = 0
  const line: (() => void)[] = []
  const isOpen = () => inside < (lanes?.open() ?? Number.POSITIVE_INFINITY)

  /** Waits for a lane, where there are any. @returns gives it back */
  async function enter(): Promise<() => void> {
    if (isOpen()) inside += 1
    else await new Promise<void>(resolve => line.push(resolve))
    let left = false
    const leave = () => {
      if (left) return
      left = true
      clearTimeout(timer)
      inside -= 1
      while (line.length > 0 && isOpen()) {
        inside += 1
        line.shift()?.()
      }
    }
    const timer = setTimeout(leave, longMs)
    return leave
  }

  async function perform(tenantId: string): Promise<void> {
    busy.add(tenantId)
    // Those who were woken by the same answer get in too.
    await new Promise(resolve => setImmediate(resolve))
    while ((waiting.get(tenantId)?.length ?? 0) > 0) {
      const leave = await enter()
      await settleAll(tenantId, waiting.get(tenantId)?.splice(0, most) ?? [])
      leave()
    }
    waiting.delete(tenantId)
    busy.delete(tenantId)
  }

  async function settleAll(tenantId: string, pieces: readonly Piece[]): Promise<void> {
    const actor = { tenantId, userId: null, role: 'system' } as const
    try {
      const sets = Map.groupBy(pieces, ({ work }) => work)
      const results = await within(actor, scope =>
        Promise.all(
          [...sets].map(([work, of]) =>
            work(
              scope,
              of.map(({ item }) => item),
            ),
          ),
        ),
      )
      for (const [at, of] of [...sets.values()].entries())
        for (const [place, piece] of of.entries()) piece.settle({ ok: true, value: results[at]?.[place] })
    } catch (error) {
      if (pieces.length === 1) pieces[0]?.settle({ ok: false, error })
      else for (const piece of pieces) await settleAll(tenantId, [piece])
    }
  }

  function inSet<Item, Result>(tenantId: string, work: SetWork<Item, Result>, item: Item): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    const settle = (result: Settled) => (result.ok ? resolve(result.value as Result) : reject(result.error))
    const pieces = waiting.get(tenantId) ?? []
    pieces.push({ work: work as SetWork<unknown, unknown>, item, settle })
    waiting.set(tenantId, pieces)
    if (!busy.has(tenantId)) void perform(tenantId)
    return promise
  }

  return {
    inSet,
    run: (tenantId, work) => inSet(tenantId, async scope => [await work(scope)], null),
  }
}
