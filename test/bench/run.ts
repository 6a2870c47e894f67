/** `bun run bench <name> [--json]`: measures on this machine. A table on stderr; with --json the last line of stdout is one object. */
import { fanOut } from './fan-out.ts'
import { smoke } from './smoke.ts'

const benches: Record<string, () => Promise<object>> = { smoke, 'fan-out': fanOut }
const [name = '', ...options] = process.argv.slice(2)
const bench = Object.hasOwn(benches, name) ? benches[name] : undefined
if (!bench || options.some(option => option !== '--json')) {
  console.error(`Use: bun run bench <${Object.keys(benches).join(' | ')}> [--json]`)
  process.exit(1)
}
try {
  const figures = await bench()
  if (options.includes('--json')) console.log(JSON.stringify({ ok: true, bench: name, ...figures }))
  process.exit(0)
} catch (error) {
  console.error(error)
  if (options.includes('--json'))
    console.log(JSON.stringify({ ok: false, bench: name, error: (error as Error).message }))
  process.exit(1)
}
