/** A file as a listing tells of it. */
export interface Stored {
  path: string
  bytes: number
  changedAt: Date
}

/**
 * Where files live: pictures, snapshots, exports. Paths are ours, never a person's: lower-case words, ids, digits, dots
 * and hyphens between slashes, e.g. `media/<tenant id>/<media id>`.
 */
export interface Storage {
  /** Writes the whole file or none of it; replaces one of the same path. @throws StorageFull, StorageRefused */
  write(path: string, body: Uint8Array | ReadableStream<Uint8Array>): Promise<void>
  /** @returns null when it is not there */
  read(path: string): Promise<ReadableStream<Uint8Array> | null>
  /** Every file below a folder (`media/<tenant id>/`), in the order of their paths. */
  list(folder: string): AsyncIterable<Stored>
  /** Removing what is not there is no error. */
  remove(path: string): Promise<void>
  removeFolder(folder: string): Promise<void>
}

const pathPattern = /^[a-z0-9][a-z0-9.-]*(\/[a-z0-9][a-z0-9.-]*)*\/?$/

/** @throws when a path is not one of ours: a mistake in the program, never a person's. */
export function checkPath(path: string): string {
  if (!pathPattern.test(path) || path.includes('..')) throw new Error('not a path of the storage')
  return path
}
