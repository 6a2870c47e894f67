/** Where the crash tests may kill the process; in production nothing ever sets it. */
let at: string | null = null

/** For the crash tests' own entry point only: the process dies by SIGKILL when it reaches this step. */
export function crashAt(step: string | null): void {
  at = step
}

export function crashPoint(step: string): void {
  if (at === step) process.kill(process.pid, 'SIGKILL')
}
