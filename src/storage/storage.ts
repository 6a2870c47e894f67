import { Refusal } from '../errors.ts'

/** A file as a listing tells of it. */
export interface Stored {
  path: string
  bytes: number
  changedAt: Date
}

/**
 * Where files live: pictures, snapshots, exports. Paths are ours, never a person's: lower-case words, ids, digits, dots
 * and hyphens between slashes, e.g. `media/<tenant id>/<media id>`. A folder is named with its last slash or without.
 * @throws StorageFull, StorageRefused, StorageAway from every method
 */
export interface Storage {
  /** Writes the whole file or none of it; replaces one of the same path. When it returns, the file is kept. */
  write(path: string, body: Uint8Array | ReadableStream<Uint8Array>): Promise<void>
  /** @returns null when it is not there */
  read(path: string): Promise<ReadableStream<Uint8Array> | null>
  /** Every file below a folder (`media/<tenant id>/`), in the order of their paths. */
  list(folder: string): AsyncIterable<Stored>
  /** Removing what is not there is no error. */
  remove(path: string): Promise<void>
  removeFolder(folder: string): Promise<void>
}

/** The storage does not do what it is asked. The message is for people, `why` for whoever runs Masthead: cause and cure. */
export abstract class StorageTrouble extends Refusal {
  constructor(
    message: string,
    readonly why: string,
    readonly retryAfterSeconds: number,
  ) {
    super(message)
  }
}

/** Nothing more fits in; what is there can be read. */
export class StorageFull extends StorageTrouble {
  readonly code = 'storage_full'
  constructor(why: string) {
    super(
      'The file was not stored: the storage of this Masthead is full. Whoever runs it has to make room; then try again.',
      why,
      300,
    )
  }
}

const notWorking =
  'The file storage of this Masthead does not work just now. Whoever runs it finds the cause with “bun run doctor”.'

/** A wrong key, a missing bucket, a folder that may not be written: stays so until somebody mends it. */
export class StorageRefused extends StorageTrouble {
  readonly code = 'unavailable'
  constructor(why: string) {
    super(notWorking, why, 60)
  }
}

/** It does not answer just now; it may in a moment. */
export class StorageAway extends StorageTrouble {
  readonly code = 'unavailable'
  constructor(why: string) {
    super(notWorking, why, 10)
  }
}

const pathPattern = /^[a-z0-9][a-z0-9.-]*(\/[a-z0-9][a-z0-9.-]*)*$/

/** @throws when a path is not one of ours: a mistake in the program, never a person's. */
export function checkPath(path: string): string {
  if (!pathPattern.test(path) || path.includes('..')) throw new Error('not a path of the storage')
  return path
}

/** The folder with its last slash, so that `media/ab` never means `media/abc` too. @throws as `checkPath` */
export const folderPath = (folder: string): string => `${checkPath(folder.replace(/\/$/, ''))}/`
