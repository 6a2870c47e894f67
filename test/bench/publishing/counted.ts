/**
 * What every worker process of the bench does alike: it notes when each job's work began, tells when all are recorded,
 * and in the crash test shows the outside world that it was there. Runs inside the children; depends on nothing.
 */
export interface WorkArgs {
  /** After so many recorded jobs the process tells `ended`. */
  expect: number
  /** Crash test: a counter to call before and after the work. */
  counter?: string
  /** How long one job's work takes, in milliseconds. */
  workMs?: number
  who?: string
}

export interface Ended {
  /** When each job's work began, in milliseconds since 1970 by this machine's clock. */
  starts: number[]
  /** When the last one was recorded. */
  at: number
  complete: boolean
}

export const now = () => performance.timeOrigin + performance.now()
export const tell = (line: object) => void process.stdout.write(`${JSON.stringify(line)}\n`)

/** @param remaining how many jobs the store holds that are not recorded; null where `recorded` is called instead */
export function counted(args: WorkArgs, remaining: (() => Promise<number>) | null) {
  const starts: number[] = []
  let recorded = 0
  let told = false
  const end = (complete: boolean) => {
    if (told) return
    told = true
    tell({ ended: { starts, at: now(), complete } satisfies Ended })
  }
  async function untilEmpty(count: () => Promise<number>) {
    while ((await count()) > 0) await new Promise(resolve => setTimeout(resolve, 10))
    end(true)
  }
  const shout = (kind: string, job: string | number) =>
    fetch(`${args.counter}/${kind}?who=${args.who}&job=${job}`).then(answer => answer.text())
  return {
    async work(job: string | number) {
      starts.push(now())
      if (args.counter) {
        await shout('hit', job)
        await new Promise(resolve => setTimeout(resolve, args.workMs))
        await shout('done', job)
      }
      if (remaining && starts.length === args.expect) void untilEmpty(remaining)
    },
    recorded() {
      recorded++
      if (recorded === args.expect) end(true)
    },
    /** Tells what there is, done or not. */
    report: () => end(false),
  }
}

/** The lines that come in on standard input, for ever. */
export async function* told(): AsyncGenerator<Record<string, unknown>> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of process.stdin) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line) yield JSON.parse(line)
  }
}
