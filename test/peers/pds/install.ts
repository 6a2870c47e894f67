/**
 * Installs the PDS peer into its own folder, once per lockfile and Node version. Its SQLite driver is compiled on the
 * spot (about 80 s in all), which is why it is not among the packages of the project.
 */
import { existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'

const folder = import.meta.dir
const stampFile = join(folder, 'node_modules', '.installed')

interface Node {
  path: string
  major: number
  /** The version of the interface that compiled modules are built against. */
  abi: string
}

let found: Node | string | undefined

/**
 * The Node that runs the PDS: TEST_NODE, else `node` on the path. A string says in words why there is none.
 * Newer ones than 22 abort inside the PDS's SQLite driver (measured with 24.21); Bun cannot run it.
 */
export function findNode(): Node | string {
  found ??= lookForNode()
  return found
}

function lookForNode(): Node | string {
  const path = process.env.TEST_NODE ?? Bun.which('node')
  if (!path) return 'Node 20 or 22 is not installed (or name one by TEST_NODE)'
  const asked = Bun.spawnSync([
    path,
    '-p',
    'JSON.stringify([process.versions.node, process.versions.modules, !!process.versions.bun])',
  ])
  if (!asked.success) return `${path} does not run: ${asked.stderr.toString().trim().slice(0, 200)}`
  const [version, abi, isBun] = JSON.parse(asked.stdout.toString()) as [string, string, boolean]
  const major = Number(version.split('.')[0])
  if (isBun) return 'Node 20 or 22 is not installed: the `node` on the path is Bun'
  if (major !== 20 && major !== 22)
    return `Node 20 or 22 is needed, the one on the path is ${version} (or name one by TEST_NODE)`
  return { path: realpathSync(path), major, abi }
}

/** What the compile needs and this machine lacks, in words, or null. */
export function missingToolchain(): string | null {
  const lacking = [
    ['a C++ compiler', 'g++', 'c++', 'clang++'],
    ['make', 'make'],
    ['python3', 'python3'],
  ].filter(([, ...names]) => !names.some(name => Bun.which(name)))
  return lacking.length > 0
    ? `${lacking.map(([what]) => what).join(' and ')} to compile its SQLite driver`
    : null
}

function wantedStamp(node: Node): string {
  const hash = new Bun.CryptoHasher('sha256').update(readFileSync(join(folder, 'bun.lock'))).digest('hex')
  return `${hash} node-abi-${node.abi}`
}

/** True when what is installed fits this lockfile and this Node. */
export function isInstalled(): boolean {
  const node = findNode()
  return (
    typeof node !== 'string' && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wantedStamp(node)
  )
}

/**
 * Installs when needed. Answers `present` (nothing to do), `installed`, or in words what is in the way.
 * The compile uses the headers beside the Node that was found, so nothing else is downloaded for it.
 */
export async function installPds(): Promise<'present' | 'installed' | { cannot: string }> {
  const node = findNode()
  if (typeof node === 'string') return { cannot: node }
  if (isInstalled()) return 'present'
  const lacking = missingToolchain()
  if (lacking) return { cannot: lacking }
  // What another Node's build left behind would be taken for this one's: begin without it.
  rmSync(join(folder, 'node_modules'), { recursive: true, force: true })
  const { code, words } = await runInstall(node)
  if (code === 0 && driverWorks(node)) {
    writeFileSync(stampFile, wantedStamp(node))
    return 'installed'
  }
  return { cannot: `its installation failed (exit ${code}): ${words || 'its SQLite driver does not load'}` }
}

async function runInstall(node: Node): Promise<{ code: number; words: string }> {
  const prefix = dirname(dirname(node.path))
  const headers = existsSync(join(prefix, 'include', 'node', 'node.h')) ? { npm_config_nodedir: prefix } : {}
  // node-gyp's stand-in calls `bun` by name, and the compile must meet the same Node that will run the result.
  const path = [
    dirname(node.path),
    join(folder, '../../../node_modules/.bin'),
    dirname(process.execPath),
    process.env.PATH,
  ]
  const child = Bun.spawn([process.execPath, 'install', '--linker', 'hoisted', '--frozen-lockfile'], {
    cwd: folder,
    env: { ...process.env, ...headers, PATH: path.filter(Boolean).join(delimiter) },
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 8 * 60_000,
  })
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  const words = `${err}\n${out}`.split('\n').filter(line => /error|not found|failed/i.test(line))
  return { code, words: words.slice(0, 2).join(' / ').slice(0, 300) }
}

/** A driver that was compiled is not yet one that this Node can load. */
function driverWorks(node: Node): boolean {
  const script = "new (require('better-sqlite3'))(':memory:').close()"
  return Bun.spawnSync([node.path, '-e', script], { cwd: folder }).success
}
