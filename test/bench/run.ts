/**
 * `bun run bench <name> [--json]`: measures on this machine. A table on stderr; with --json the last line of stdout is
 * one object. A bench with musts names those that were missed; then it ends with 1.
 */
import { fanOut } from './fan-out.ts'
import { publishing } from './publishing/index.ts'
import { smoke } from './smoke.ts'

const benches: Record<string, () => Promise<{ missed?: string[] }>> = { smoke, 'fan-out': fanOut, publishing }
const [name = '', ...options] = process.argv.slice(2)
const bench = Object.hasOwn(benches, name) ? benches[name] : undefined
if (!bench || options.some(option => option !== '--json')) {
  console.error(`Use: bun run bench <${Object.keys(benches).join(' | ')}> [--json]`)
  process.exit(1)
}
try {
  const figures = await bench()
  const ok = (figures.missed ?? []).length === 0
  if (options.includes('--json')) console.log(JSON.stringify({ ok, bench: name, ...figures }))
  process.exit(ok ? 0 : 1)
} catch (error) {
  console.error(error)
  if (options.includes('--json'))
    console.log(JSON.stringify({ ok: false, bench: name, error: (error as Error).message }))
  process.exit(1)
}
