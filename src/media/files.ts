import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isId, newId } from '../lib/id.ts'

export type PictureSize = 'full' | 'thumbnail'

/** Where picture bytes live: one folder a tenant under the data folder, random names, nothing served by path. */
export interface MediaFiles {
  write(tenantId: string, mediaId: string, size: PictureSize, bytes: Uint8Array): Promise<void>
  /** @returns null when the file is not there */
  read(tenantId: string, mediaId: string, size: PictureSize): Promise<Uint8Array | null>
  remove(tenantId: string, mediaId: string): Promise<void>
  removeTenant(tenantId: string): Promise<void>
}

export function diskFiles(dataDir: string): MediaFiles {
  const folder = (tenantId: string) => {
    if (!isId(tenantId)) throw new Error('not a tenant id')
    return join(dataDir, 'media', tenantId)
  }
  const path = (tenantId: string, mediaId: string, size: PictureSize) => {
    if (!isId(mediaId)) throw new Error('not a media id')
    return join(folder(tenantId), size === 'full' ? mediaId : `${mediaId}.thumbnail`)
  }
  return {
    async write(tenantId, mediaId, size, bytes) {
      await mkdir(folder(tenantId), { recursive: true, mode: 0o700 })
      // Written beside and renamed, so that a full disk or a crash never leaves half a picture visible.
      const file = path(tenantId, mediaId, size)
      const part = `${file}.${newId()}.part`
      try {
        await Bun.write(part, bytes)
        await rename(part, file)
      } catch (error) {
        await rm(part, { force: true })
        throw error
      }
    },
    async read(tenantId, mediaId, size) {
      const file = Bun.file(path(tenantId, mediaId, size))
      return (await file.exists()) ? file.bytes() : null
    },
    async remove(tenantId, mediaId) {
      await rm(path(tenantId, mediaId, 'full'), { force: true })
      await rm(path(tenantId, mediaId, 'thumbnail'), { force: true })
    },
    async removeTenant(tenantId) {
      await rm(folder(tenantId), { recursive: true, force: true })
    },
  }
}
