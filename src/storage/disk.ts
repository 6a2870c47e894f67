import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { newId } from '../lib/id.ts'
import { checkPath, folderPath, type Storage, StorageFull, StorageRefused, type Stored } from './storage.ts'

/** Files below the data folder. Written beside and renamed, so that a full disk or a crash never leaves half a file visible. */
export function diskStorage(dataDir: string): Storage {
  const place = (path: string) => join(dataDir, checkPath(path))
  const placeOfFolder = (folder: string) => join(dataDir, folderPath(folder))

  async function* walk(folder: string): AsyncGenerator<Stored> {
    const found = await readdir(placeOfFolder(folder), { withFileTypes: true }).catch(absent(() => []))
    const entries = found
      .filter(entry => entry.isDirectory() || !entry.name.endsWith('.part'))
      // A folder stands where its files' paths do: after `a.b`, because of the slash.
      .map(entry => `${entry.name}${entry.isDirectory() ? '/' : ''}`)
      .sort((a, b) => (a < b ? -1 : 1))
    for (const name of entries) {
      const path = `${folderPath(folder)}${name}`
      if (name.endsWith('/')) yield* walk(path)
      else {
        const file = await stat(place(path)).catch(absent(() => null))
        if (file) yield { path, bytes: file.size, changedAt: file.mtime }
      }
    }
  }

  async function write(file: string, body: Uint8Array | ReadableStream<Uint8Array>): Promise<void> {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    const part = `${file}.${newId()}.part`
    try {
      const handle = await open(part, 'wx', 0o600)
      try {
        if (body instanceof Uint8Array) await handle.writeFile(body)
        else for await (const chunk of body) await handle.writeFile(chunk)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(part, file)
    } catch (error) {
      await rm(part, { force: true })
      throw error
    }
  }

  const inWords = told(dataDir)
  return {
    write: (path, body) => write(place(path), body).catch(inWords),
    async read(path) {
      const file = Bun.file(place(path))
      return (await file.exists()) ? file.stream() : null
    },
    async *list(folder) {
      try {
        yield* walk(folder)
      } catch (error) {
        inWords(error)
      }
    },
    remove: path => rm(place(path), { force: true }).catch(inWords),
    removeFolder: folder => rm(placeOfFolder(folder), { recursive: true, force: true }).catch(inWords),
  }
}

/** What the answer is when there is nothing at that path. */
const absent =
  <T>(otherwise: () => T) =>
  (error: unknown): T => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise()
    throw error
  }

const fullCodes = new Set(['ENOSPC', 'EDQUOT'])
const refusedCodes = new Set(['EACCES', 'EPERM', 'EROFS', 'EIO', 'ENOTDIR', 'EEXIST'])

function told(dataDir: string) {
  return (error: unknown): never => {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (fullCodes.has(code))
      throw new StorageFull(
        `The disk of the data folder ${dataDir} is full (${code}): make room on it, or set DATA_DIR to a larger one.`,
      )
    if (refusedCodes.has(code))
      throw new StorageRefused(
        `The data folder ${dataDir} cannot be written (${code}): give this user the right to, or set DATA_DIR to another folder.`,
      )
    throw error
  }
}
