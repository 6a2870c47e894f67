import { createWriteStream } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { newId } from '../lib/id.ts'
import { checkPath, type Storage, type Stored } from './storage.ts'

/** Files below the data folder. Written beside and renamed, so that a full disk or a crash never leaves half a file visible. */
export function diskStorage(dataDir: string): Storage {
  const place = (path: string) => join(dataDir, checkPath(path))

  async function* walk(folder: string): AsyncGenerator<Stored> {
    const entries = await readdir(place(folder), { withFileTypes: true }).catch(absent(() => []))
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = `${folder}${entry.name}`
      if (entry.isDirectory()) yield* walk(`${path}/`)
      else if (!entry.name.endsWith('.part')) {
        const found = await stat(place(path)).catch(absent(() => null))
        if (found) yield { path, bytes: found.size, changedAt: found.mtime }
      }
    }
  }

  return {
    async write(path, body) {
      const file = place(path)
      await mkdir(dirname(file), { recursive: true, mode: 0o700 })
      const part = `${file}.${newId()}.part`
      try {
        await pipeline(
          body instanceof Uint8Array ? Readable.from([body]) : Readable.fromWeb(body as never),
          createWriteStream(part, { mode: 0o600 }),
        )
        await rename(part, file)
      } catch (error) {
        await rm(part, { force: true })
        throw error
      }
    },
    async read(path) {
      const file = Bun.file(place(path))
      return (await file.exists()) ? file.stream() : null
    },
    list: walk,
    remove: path => rm(place(path), { force: true }),
    removeFolder: folder => rm(place(folder), { recursive: true, force: true }),
  }
}

/** What the answer is when there is nothing at that path. */
const absent =
  <T>(otherwise: () => T) =>
  (error: unknown): T => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise()
    throw error
  }
