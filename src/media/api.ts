import { Elysia } from 'elysia'
import { z } from 'zod'
import type { ApiDoor } from '../http/api-door.ts'
import { ListQuery } from '../lib/cursor.ts'
import { allow } from '../permissions.ts'
import type { Services } from '../services.ts'
import { pictureResponse } from './file.ts'
import { listMedia, readMedia, readStored } from './find.ts'
import { addPicture, changeMedia, keepPicture, preparePicture, removeMedia } from './media.ts'
import { MediaChange, Upload } from './schema.ts'

/** Which of the two sizes a picture is asked for. */
export const FileQuery = z.strictObject({
  size: z.enum(['full', 'thumbnail'], { error: 'must be full or thumbnail' }).default('full'),
})

export function mediaApi({ files }: Pick<Services, 'files'>, api: ApiDoor) {
  return new Elysia()
    .post(
      '/media',
      async context => {
        const { file, alt } = context.body
        const tenantId = await api.enter(context, async scope => {
          allow(scope, 'media.write')
          return scope.tenant.id
        })
        const prepared = await preparePicture(await file.bytes())
        return keepPicture(files, tenantId, prepared, () =>
          api.write(context, scope => addPicture(scope, prepared, { alt, name: file.name }), 201),
        )
      },
      { body: Upload, detail: { summary: 'Upload a picture', tags: ['media'] } },
    )
    .get('/media', context => api.read(context, scope => listMedia(scope, context.query)), {
      query: ListQuery,
      detail: { summary: 'Pictures, newest first', tags: ['media'] },
    })
    .get('/media/:id', context => api.read(context, scope => readMedia(scope, context.params.id)), {
      detail: { summary: 'One picture', tags: ['media'] },
    })
    .get(
      '/media/:id/file',
      async context => {
        const stored = await api.enter(context, scope => readStored(scope, context.params.id))
        return pictureResponse(files, stored, context.query.size, context.request)
      },
      { query: FileQuery, detail: { summary: 'The picture’s bytes', tags: ['media'] } },
    )
    .patch(
      '/media/:id',
      context => api.write(context, scope => changeMedia(scope, context.params.id, context.body)),
      { body: MediaChange, detail: { summary: 'Change alt text or name', tags: ['media'] } },
    )
    .delete(
      '/media/:id',
      async context => {
        const spare: { tenantId: string; id: string }[] = []
        const answer = await api.write(
          context,
          async scope => {
            const { id, bytesToo } = await removeMedia(scope, context.params.id)
            if (bytesToo) spare.push({ tenantId: scope.tenant.id, id })
          },
          204,
        )
        for (const { tenantId, id } of spare) await files.remove(tenantId, id)
        return answer
      },
      { detail: { summary: 'Remove a picture', tags: ['media'] } },
    )
}
