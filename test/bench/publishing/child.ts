/** A process of the bench that is told and tells lines of JSON. */
export interface Child {
  pid: number
  tell(line: object): void
  /** The next line that has this key. @throws when the process ends or is silent for too long */
  hear<T>(key: string, withinMs: number): Promise<T>
  kill(): Promise<void>
}

export function startChild(script: string, args: object, env: Record<string, string> = {}): Child {
  const process_ = Bun.spawn([process.execPath, '--no-env-file', script, JSON.stringify(args)], {
    // Neither a .env file nor the caller's own settings: a bench measures its own database only.
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const heard: Record<string, unknown>[] = []
  let waiting: (() => void)[] = []
  let ended = false
  const wake = () => {
    for (const resume of waiting) resume()
    waiting = []
  }
  const read = async () => {
    const decoder = new TextDecoder()
    let rest = ''
    for await (const chunk of process_.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('{')) heard.push(JSON.parse(line))
      wake()
    }
  }
  const over = read().finally(() => {
    ended = true
    wake()
  })
  return {
    pid: process_.pid,
    tell(line) {
      process_.stdin.write(`${JSON.stringify(line)}\n`)
      process_.stdin.flush()
    },
    async hear<T>(key: string, withinMs: number) {
      const late = Bun.sleep(withinMs).then(() => 'late')
      for (;;) {
        const place = heard.findIndex(line => key in line)
        if (place >= 0) return heard.splice(place, 1)[0]?.[key] as T
        if (ended) throw new Error(`${script} ended before it told "${key}"`)
        const more = new Promise<void>(resolve => waiting.push(resolve))
        if ((await Promise.race([more, late])) === 'late')
          throw new Error(`${script} did not tell "${key}" within ${withinMs / 1000} s`)
      }
    },
    async kill() {
      process_.kill('SIGKILL')
      await process_.exited
      await over
    },
  }
}
