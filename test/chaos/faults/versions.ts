/** Fault 31: two versions of the program at work together, forwards and back. */
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../plan.ts'
import { type Processes, root } from '../processes.ts'
import { type Fault, takenOverMs } from './fault.ts'

/** The newest commit but one that changed the program; null where there is no history. */
export function formerCommit(): string | null {
  const { exitCode, stdout } = Bun.spawnSync(
    ['git', 'log', '-1', '--skip=1', '--no-merges', '--format=%h', '--', 'src'],
    { cwd: root },
  )
  return (exitCode === 0 && stdout.toString().trim()) || null
}

function unpack(commit: string): string {
  const tree = mkdtempSync(join(tmpdir(), 'masthead-former-'))
  const archive = Bun.spawnSync(['git', 'archive', commit], { cwd: root })
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

let former = ''

export const versions: Fault = {
  number: 31,
  name: 'the former version and this one at work together, deployed one by one and taken back',
  mostLateMs: takenOverMs,
  async before({ processes }) {
    former = unpack(formerCommit() ?? '')
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
    return { times: 10, words: `of commit ${formerCommit()}` }
  },
  async after({ processes }) {
    await change(processes, [0, 1])
    rmSync(former, { recursive: true, force: true })
  },
}
