/** A disk that is full after a little, for one test: a tmpfs, where this user may mount one (root on Linux). */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SmallDisk {
  path: string
  /** From now on nothing may be written to it. */
  makeReadOnly(): void
  remove(): void
}

const run = (...command: string[]) => Bun.spawnSync(command).exitCode === 0

/** @param size as `mount` takes it: `100k`, `1m`. @throws where it cannot be mounted: ask `canMount` first */
export function smallDisk(size: string): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), 'masthead-disk-'))
  const away = () => rmSync(path, { recursive: true, force: true })
  if (!run('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path)) {
    away()
    throw new Error('A small disk cannot be mounted here')
  }
  return {
    path,
    makeReadOnly() {
      if (!run('mount', '-o', 'remount,ro', path)) throw new Error('The small disk stays writable')
    },
    remove() {
      run('umount', path)
      away()
    },
  }
}

export function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  try {
    smallDisk('100k').remove()
    return true
  } catch {
    return false
  }
}
