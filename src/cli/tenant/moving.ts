import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { Stop } from '../../errors.ts'
import type { Watch } from '../../tenants/ground.ts'
import { type Progress, progress } from '../progress.ts'

export interface Figures {
  bytes: number
  contentBytes: number
  seconds: number
}
/** For `--json`: the bytes of the file and of what is in it, and how fast it went. */
export const figures = ({ bytes, contentBytes, seconds }: Figures) => ({
  bytes,
  contentBytes,
  seconds: Number(seconds.toFixed(3)),
  mbPerSecond: Number((contentBytes / 1e6 / seconds).toFixed(2)),
})
export const speed = ({ bytes, contentBytes, seconds }: Figures) =>
  `${(contentBytes / 1e6).toFixed(1)} MB in a file of ${(bytes / 1e6).toFixed(1)} MB, ${seconds.toFixed(1)} s, ${(contentBytes / 1e6 / seconds).toFixed(1)} MB/s`

/** @throws Stop when it was not sent on stdin */
export async function typedPassphrase(asked: boolean | undefined): Promise<string> {
  if (!asked)
    throw new Stop(
      'Add --passphrase-stdin and send the passphrase on stdin, so that it stays out of the history.',
    )
  const typed = (await Bun.stdin.text()).replace(/\r?\n$/, '')
  if (!typed) throw new Stop('The passphrase on stdin is empty.')
  return typed
}

/** The path of a file that is there. @throws Stop when it is not */
export function existing(given: string): string {
  const path = resolve(given)
  if (!existsSync(path)) throw new Stop(`There is no file ${path}.`)
  return path
}

/** Shows how far each part of the work is. */
export async function shown<T>(work: (watch: Watch) => Promise<T>): Promise<T> {
  let now: { what: string; bar: Progress } | null = null
  const watch: Watch = (what, done, total) => {
    if (now?.what !== what) {
      now?.bar.end()
      now = { what, bar: progress(what, total, 'bytes') }
    }
    now.bar.at(done)
  }
  try {
    return await work(watch)
  } finally {
    // What the compiler cannot see: the callback has set it.
    ;(now as { bar: Progress } | null)?.bar.end()
  }
}
