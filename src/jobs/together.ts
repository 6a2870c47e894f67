import type { Scope, Within } from '../db/scope.ts'

type Piece = { work: (scope: Scope) => Promise<unknown>; settle: (result: Settled) => void }
type Settled = { ok: true; value: unknown } | { ok: false; error: unknown }

/** Runs a small piece of work in a transaction of its tenant, together with others of the same moment. */
export type Together = <T>(tenantId: string, work: (scope: Scope) => Promise<T>) => Promise<T>

/** So many pieces share one transaction at the most: a failure makes each of them run again alone. */
const most = 32

/**
 * Small writes of one tenant that come within the same moment share a transaction, and so a commit: while one is under
 * way the next ones gather. A piece must be repeatable and, when it throws, must have written nothing.
 */
export function createTogether(within: Within): Together {
  const waiting = new Map<string, Piece[]>()
  const busy = new Set<string>()

  async function run(tenantId: string): Promise<void> {
    busy.add(tenantId)
    // Those who were woken by the same answer get in too.
    await new Promise(resolve => setImmediate(resolve))
    for (;;) {
      const pieces = waiting.get(tenantId)?.splice(0, most) ?? []
      if (pieces.length === 0) break
      await perform(tenantId, pieces)
    }
    waiting.delete(tenantId)
    busy.delete(tenantId)
  }

  async function perform(tenantId: string, pieces: readonly Piece[]): Promise<void> {
    const actor = { tenantId, userId: null, role: 'system' } as const
    try {
      const settled = await within(actor, scope => Promise.all(pieces.map(piece => attempt(piece, scope))))
      for (const [at, piece] of pieces.entries()) piece.settle(settled[at] as Settled)
    } catch (error) {
      if (pieces.length === 1) pieces[0]?.settle({ ok: false, error })
      else for (const piece of pieces) await perform(tenantId, [piece])
    }
  }

  return (tenantId, work) => {
    const { promise, resolve, reject } = Promise.withResolvers<never>()
    const settle = (result: Settled) => (result.ok ? resolve(result.value as never) : reject(result.error))
    const pieces = waiting.get(tenantId) ?? []
    pieces.push({ work, settle })
    waiting.set(tenantId, pieces)
    if (!busy.has(tenantId)) void run(tenantId)
    return promise
  }
}

/** What the database refuses ends the transaction of all; what a piece itself throws is its own matter. */
async function attempt({ work }: Piece, scope: Scope): Promise<Settled> {
  try {
    return { ok: true, value: await work(scope) }
  } catch (error) {
    if (typeof (error as { code?: unknown }).code === 'string') throw error
    return { ok: false, error }
  }
}
