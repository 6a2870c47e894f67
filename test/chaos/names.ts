/** Names that lead where a play says: a file that the processes read at every look-up. */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What a name leads to; of several lists each look-up gets the next. null: nobody knows the name. */
export type Led = { to: readonly (readonly string[])[]; afterMs?: number } | null

export interface Names {
  file: string
  say(name: string, led: Led): void
  remove(): void
}

export function openNames(): Names {
  const folder = mkdtempSync(join(tmpdir(), 'masthead-names-'))
  const file = join(folder, 'names.json')
  const known: Record<string, Led> = {}
  const write = () => {
    // Whole or not at all: it is read at any moment.
    writeFileSync(`${file}.new`, JSON.stringify(known))
    renameSync(`${file}.new`, file)
  }
  write()
  return {
    file,
    say(name, led) {
      known[name] = led
      write()
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** In this process names lead where the file says, from now on. To be called before anybody imports the look-up. */
export function lookUpIn(file: string): void {
  const asked = new Map<string, number>()
  const dns = createRequire(import.meta.url)('node:dns/promises')
  const system = dns.lookup
  dns.lookup = async (name: string, options: object) => {
    const led = (JSON.parse(readFileSync(file, 'utf8')) as Record<string, Led>)[name]
    if (led === undefined) return system(name, options)
    if (led === null) throw new Error(`getaddrinfo ENOTFOUND ${name}`)
    await Bun.sleep(led.afterMs ?? 0)
    const nth = asked.get(name) ?? 0
    asked.set(name, nth + 1)
    const addresses = led.to[nth % led.to.length] ?? []
    return addresses.map(address => ({ address, family: isIP(address) }))
  }
}
