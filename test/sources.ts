import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dir, '..')

export interface SourceFile {
  /** From the project's root. */
  path: string
  text: string
}

/** The project's own files below `folders`, whether they are committed yet or not; never what git ignores. */
export function sourceFiles(folders: readonly string[], name: RegExp): SourceFile[] {
  const listed = Bun.spawnSync(
    ['git', 'ls-files', '--cached', '--others', '--exclude-standard', ...folders],
    { cwd: root },
  )
  const paths =
    listed.exitCode === 0
      ? listed.stdout.toString().split('\n')
      : // An unpacked archive has no git: then everything that lies there is meant.
        folders.flatMap(folder =>
          [...new Bun.Glob('**/*').scanSync({ cwd: join(root, folder) })].map(path => `${folder}/${path}`),
        )
  const files = paths
    .filter(path => name.test(path))
    .flatMap(path => {
      try {
        return [{ path, text: readFileSync(join(root, path), 'utf8') }]
      } catch (error) {
        // Removed, but not yet committed.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
        throw error
      }
    })
  if (files.length === 0) throw new Error(`There are no files ${name} in ${folders.join(', ')}`)
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}
