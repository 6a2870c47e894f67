/** Fault 31: two versions of the program at work together, forwards and back. */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../plan.ts'
import { type Processes, root } from '../processes.ts'
import { type Fault, takenOverMs } from './fault.ts'

const git = (...words: string[]) => Bun.spawnSync(['git', ...words], { cwd: root })

/**
 * The newest commit but one that changed the program and ran with the packages and the migrations of now; null where there
 * is none, or no history. A version that does not know a migration refuses to start, as it should.
 */
export function formerCommit(): string | null {
  const log = git('log', '-20', '--skip=1', '--format=%h', '--', 'src')
  if (log.exitCode !== 0) return null
  const commits = log.stdout.toString().split('\n').filter(Boolean)
  const sameHere = (commit: string) =>
    git('diff', '--quiet', commit, 'HEAD', '--', 'bun.lock', 'patches', 'migrations').exitCode === 0
  return commits.find(sameHere) ?? null
}

function unpack(commit: string): string {
  const tree = mkdtempSync(join(tmpdir(), 'masthead-former-'))
  const archive = git('archive', commit)
  const unpacked = Bun.spawnSync(['tar', 'x', '-C', tree], { stdin: archive.stdout })
  if (archive.exitCode !== 0 || unpacked.exitCode !== 0)
    throw new Error(`The tree of ${commit} cannot be had: ${archive.stderr}${unpacked.stderr}`)
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'))
  return tree
}

async function change(processes: Processes, places: readonly number[], tree?: string): Promise<void> {
  for (const at of places) {
    await processes.end(at, 'SIGTERM')
    await processes.start(at, tree ? { tree } : {})
  }
}

let [commit, former] = ['', '']

export const versions: Fault = {
  number: 31,
  name: 'the former version and this one at work together, deployed one by one and taken back',
  mostLateMs: takenOverMs,
  async before({ processes }) {
    commit = formerCommit() ?? ''
    former = unpack(commit)
    await change(processes, [0, 1], former)
  },
  async play({ processes }, { from, overMs }) {
    // Two of each take posts at any time.
    for (const post of [from + overMs * 0.3, from + overMs * 0.6]) {
      await until(post)
      const forward = post === from + overMs * 0.3
      await change(processes, [0, 1], forward ? undefined : former)
      await change(processes, [2, 3], forward ? former : undefined)
    }
    await until(from + overMs)
    return { times: 10, words: `of commit ${commit}` }
  },
  async after({ processes }) {
    await change(processes, [0, 1])
    rmSync(former, { recursive: true, force: true })
  },
}
