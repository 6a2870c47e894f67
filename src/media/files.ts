import { isId } from '../lib/id.ts'
import type { Storage } from '../storage/storage.ts'

export type PictureSize = 'full' | 'thumbnail'

/** Where picture bytes live: one folder a tenant, random names, nothing served by path. */
export interface MediaFiles {
  /** @throws StorageFull, StorageRefused, StorageAway, as everything here */
  write(tenantId: string, mediaId: string, size: PictureSize, bytes: Uint8Array): Promise<void>
  /** @returns null when the file is not there */
  read(tenantId: string, mediaId: string, size: PictureSize): Promise<Uint8Array | null>
  remove(tenantId: string, mediaId: string): Promise<void>
  removeTenant(tenantId: string): Promise<void>
}

export function mediaFiles(storage: Storage): MediaFiles {
  const folder = (tenantId: string) => {
    if (!isId(tenantId)) throw new Error('not a tenant id')
    return `media/${tenantId.toLowerCase()}/`
  }
  const path = (tenantId: string, mediaId: string, size: PictureSize) => {
    if (!isId(mediaId)) throw new Error('not a media id')
    const file = mediaId.toLowerCase()
    return folder(tenantId) + (size === 'full' ? file : `${file}.thumbnail`)
  }
  return {
    write: (tenantId, mediaId, size, bytes) => storage.write(path(tenantId, mediaId, size), bytes),
    async read(tenantId, mediaId, size) {
      const found = await storage.read(path(tenantId, mediaId, size))
      return found ? new Response(found).bytes() : null
    },
    async remove(tenantId, mediaId) {
      await storage.remove(path(tenantId, mediaId, 'full'))
      await storage.remove(path(tenantId, mediaId, 'thumbnail'))
    },
    removeTenant: tenantId => storage.removeFolder(folder(tenantId)),
  }
}
