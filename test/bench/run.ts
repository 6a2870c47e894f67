/** `bun run bench <name> [--json] [--full]`: measures on this machine. A table on stderr; with --json the last line of stdout is one object. */
import { smoke } from './smoke.ts'
import { tenants } from './tenants/index.ts'

type Bench = (options: { full: boolean }) => Promise<object>
const benches: Record<string, Bench> = { smoke, tenants }
const [name = '', ...options] = process.argv.slice(2)
const bench = Object.hasOwn(benches, name) ? benches[name] : undefined
if (!bench || options.some(option => option !== '--json' && option !== '--full')) {
  console.error(`Use: bun run bench <${Object.keys(benches).join(' | ')}> [--json] [--full]`)
  process.exit(1)
}
try {
  const figures = { ok: true, bench: name, ...(await bench({ full: options.includes('--full') })) }
  if (options.includes('--json')) console.log(JSON.stringify(figures))
  process.exit(figures.ok ? 0 : 1)
} catch (error) {
  console.error(error)
  if (options.includes('--json'))
    console.log(JSON.stringify({ ok: false, bench: name, error: (error as Error).message }))
  process.exit(1)
}
