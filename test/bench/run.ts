/**
 * `bun run bench <name> [--json] [--full]`: measures on this machine. A table on stderr; with --json the last line of
 * stdout is one object. A bench with musts names those that were missed; then it ends with 1.
 */
import { publishing } from './publishing/index.ts'
import { smoke } from './smoke.ts'
import { tenants } from './tenants/index.ts'

type Bench = (options: { full: boolean }) => Promise<{ missed?: string[] }>
const benches: Record<string, Bench> = { smoke, tenants, publishing }
const [name = '', ...options] = process.argv.slice(2)
const bench = Object.hasOwn(benches, name) ? benches[name] : undefined
if (!bench || options.some(option => option !== '--json' && option !== '--full')) {
  console.error(`Use: bun run bench <${Object.keys(benches).join(' | ')}> [--json] [--full]`)
  process.exit(1)
}
try {
  const figures = await bench({ full: options.includes('--full') })
  const ok = (figures.missed ?? []).length === 0
  if (options.includes('--json')) console.log(JSON.stringify({ ok, bench: name, ...figures }))
  process.exit(ok ? 0 : 1)
} catch (error) {
  console.error(error)
  if (options.includes('--json'))
    console.log(JSON.stringify({ ok: false, bench: name, error: (error as Error).message }))
  process.exit(1)
}
