import type { Result } from '../doctor/check.ts'
import { diagnose } from '../doctor/doctor.ts'
import { Stop } from '../errors.ts'
import { print, readArgs, runCommand } from './command.ts'

const help = `  bun run doctor [--json]
      Looks at everything: settings, data folder, secret, database, workspaces, what stands beside it. Each line says
      what was found and, where something is wrong, what to do. Changes nothing; Masthead may run or not.
      Exit code 1 when something fails; a warning is no failure.`

const mark = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL' } as const

async function doctor(args: string[]): Promise<void> {
  const { values } = readArgs(args, { json: { type: 'boolean' } })
  const { results, skipped } = await diagnose(process.env)
  const failed = results.filter(({ state }) => state === 'fail').map(({ name }) => name)
  const warned = results.filter(({ state }) => state === 'warn').length
  if (values.json) print(JSON.stringify({ ok: failed.length === 0, checks: results, skipped }))
  else {
    const width = Math.max(...results.map(({ name }) => name.length))
    for (const result of results) show(result, width)
    if (skipped.length > 0) print(`Not looked at without the database: ${skipped.join(', ')}.`)
    if (failed.length === 0) print(warned > 0 ? `Healthy, with ${warned} to look at.` : 'Healthy.')
  }
  if (failed.length > 0)
    throw new Stop(`${failed.length} of ${results.length} checks failed: ${failed.join(', ')}.`)
}

function show({ name, state, said, cure }: Result, width: number): void {
  print(`${mark[state]}  ${name.padEnd(width)}  ${said}`)
  if (cure) print(`${' '.repeat(6 + width)}  → ${cure}`)
}

await runCommand(help, { '': doctor })
