import { join } from 'node:path'

const root = join(import.meta.dir, '..')

export interface Ran {
  code: number
  out: string
  err: string
}

/**
 * Runs commands as the operator does, with a data folder of their own and nothing of our environment but PATH.
 * @param checkout where the code is, when it is another than this one
 */
export function operator(folder: string, checkout = root) {
  return async (
    command: string,
    args: string[] = [],
    input = '',
    env: Record<string, string> = {},
  ): Promise<Ran> => {
    const child = Bun.spawn([process.execPath, join('src/cli', `${command}.ts`), ...args], {
      cwd: checkout,
      env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', DATA_DIR: folder, ...env },
      stdin: new Blob([input]),
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [out, err, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ])
    return { code, out, err }
  }
}
