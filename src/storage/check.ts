import { Stop } from '../errors.ts'
import { newId } from '../lib/id.ts'
import type { Log } from '../lib/log.ts'
import { type Storage, StorageRefused, StorageTrouble } from './storage.ts'

/**
 * Writes a small file, reads it, lists it and removes it again.
 * @throws StorageFull, StorageRefused, StorageAway
 */
export async function tryStorage(storage: Storage): Promise<void> {
  const path = `checks/${newId()}`
  const words = new TextEncoder().encode(path)
  await storage.write(path, words)
  try {
    const found = await storage.read(path)
    const read = found ? await new Response(found).text() : null
    const listed: string[] = []
    for await (const file of storage.list('checks/')) listed.push(file.path)
    if (read !== path || !listed.includes(path))
      throw new StorageRefused(
        'The storage does not give back what was written to it: look whether something else writes to the same folder or bucket.',
      )
  } finally {
    await storage.remove(path)
  }
}

/** What is wrong with the storage and how to cure it, in a sentence; null when it works. */
export async function checkStorage(storage: Storage): Promise<string | null> {
  try {
    await tryStorage(storage)
    return null
  } catch (error) {
    if (error instanceof StorageTrouble) return error.why
    return `The storage does not work: ${(error as Error).message}.`
  }
}

/** A server that keeps silent does not hold up the start for longer. */
const startWaitsMs = 5_000

/**
 * Looks at the storage before anything is served. One that is full or away is warned of: reading, writing posts and
 * most publishing go on without it.
 * @throws Stop when the settings are wrong: nothing but a person mends that
 */
export async function readyStorage({ storage, log }: { storage: Storage; log: Log }): Promise<void> {
  const tried = tryStorage(storage).catch(error => {
    if (error instanceof StorageRefused) throw new Stop(error.why)
    log.warn('the file storage does not work', { error, why: (error as { why?: string }).why })
  })
  tried.catch(() => {})
  await Promise.race([tried, Bun.sleep(startWaitsMs)])
}
