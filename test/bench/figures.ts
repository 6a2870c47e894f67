/** Figures of one measurement: times in milliseconds, rounded to hundredths. */
export interface Figures {
  count: number
  perSecond: number
  p50: number
  p99: number
  max: number
}

const round = (value: number): number => Math.round(value * 100) / 100

/** @param seconds how long the whole took, for the rate */
export function figures(times: readonly number[], seconds: number): Figures {
  const sorted = [...times].sort((a, b) => a - b)
  // The nearest rank: the least time that so many of the answers did not exceed.
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
  return {
    count: sorted.length,
    perSecond: round(sorted.length / seconds),
    p50: round(at(0.5)),
    p99: round(at(0.99)),
    max: round(at(1)),
  }
}

/**
 * Calls from `callers` callers at once, each waiting for its answer before it asks again; the first `warmUpMs` do not
 * count.
 * @throws as soon as one call fails: a rate of errors is no rate
 */
export async function load(
  call: () => Promise<void>,
  { callers = 16, warmUpMs = 1_000, measureMs = 5_000 } = {},
): Promise<Figures> {
  const counting = performance.now() + warmUpMs
  const until = counting + measureMs
  const times: number[] = []
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < until) {
        const began = performance.now()
        await call()
        if (began >= counting) times.push(performance.now() - began)
      }
    }),
  )
  return figures(times, (performance.now() - counting) / 1000)
}

/** One call after the other. */
export async function series(count: number, call: () => Promise<number>): Promise<Figures> {
  const began = performance.now()
  const times: number[] = []
  for (let at = 0; at < count; at++) times.push(await call())
  return figures(times, (performance.now() - began) / 1000)
}

/** A table for people. */
export function table(rows: readonly (readonly [string, Figures])[]): string {
  const head = ['', 'count', 'per second', 'p50 ms', 'p99 ms', 'max ms']
  const body = rows.map(([name, { count, perSecond, p50, p99, max }]) =>
    [name, count, perSecond, p50, p99, max].map(String),
  )
  const widths = head.map((title, at) =>
    Math.max(...[head, ...body].map(row => row[at]?.length ?? 0), title.length),
  )
  return [head, ...body]
    .map(row =>
      row
        .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
        .join('  '),
    )
    .join('\n')
}
