import { Elysia } from 'elysia'
import { MediaPage } from '../../views/media/library.tsx'
import { Invalid } from '../errors.ts'
import type { Desk, DeskRequest } from '../http/desk.ts'
import { type Rejected, rejection } from '../http/form.ts'
import { problemOf } from '../http/problems.ts'
import { allow, may } from '../permissions.ts'
import type { Services } from '../services.ts'
import { StorageTrouble } from '../storage/storage.ts'
import { FileQuery } from './api.ts'
import { pictureResponse } from './file.ts'
import { countMedia, listMedia, readStored } from './find.ts'
import { addPicture, changeMedia, keepPicture, preparePicture, removeMedia } from './media.ts'
import { MediaChange } from './schema.ts'

type Library = DeskRequest & { query: Record<string, unknown> }

/** Pictures on one page of the library. */
const pageSize = 48
const maxFlash = 600

/** Which form came back: the upload's, or one picture's. */
interface Back {
  upload?: Rejected
  picture?: { id: string; form: Rejected }
}

export function mediaPages({ files, config, log }: Pick<Services, 'files' | 'config' | 'log'>, desk: Desk) {
  const show = (ctx: Library, back: Back = {}, status = back.upload || back.picture ? 422 : 200) =>
    desk.show(
      ctx,
      async (scope, frame) => {
        const cursor = cursorOf(ctx)
        const [page, counts] = [await listMedia(scope, { limit: pageSize, cursor }), await countMedia(scope)]
        const canWrite = may(scope.actor, 'media.write')
        const generates = canWrite && config.comfyuiUrl !== null
        return MediaPage({ frame, page, counts, cursor, canWrite, generates, ...back })
      },
      status,
    )

  return new Elysia()
    .get('/w/:slug/media', ctx => show(ctx))
    .post('/w/:slug/media', async ctx => {
      const tenantId = await desk.write(ctx, async scope => {
        allow(scope, 'media.write')
        return scope.tenant.id
      })
      const chosen = filesOf(ctx.body)
      if (chosen.length === 0) return show(ctx, { upload: refused('Choose at least one picture first.') })
      const refusals: string[] = []
      let trouble: StorageTrouble | null = null
      let added = 0
      for (const file of chosen) {
        try {
          const prepared = await preparePicture(await file.bytes())
          await keepPicture(files, tenantId, prepared, () =>
            desk.write(ctx, scope => addPicture(scope, prepared, { name: file.name })),
          )
          added += 1
        } catch (error) {
          if (error instanceof StorageTrouble) {
            log.error('an upload could not be stored', { error, why: error.why })
            trouble = error
            refusals.push(error.message)
            break
          }
          if (!(error instanceof Invalid)) throw error
          refusals.push(`“${file.name.slice(0, 60)}”: ${error.message}`)
        }
      }
      const words = refusals.join(' ')
      if (added === 0) return show(ctx, { upload: refused(words) }, problemOf(trouble)?.status)
      const good = added === 1 ? 'The picture is in the library.' : `${added} pictures are in the library.`
      if (refusals.length > 0)
        return desk.go(ctx, '/media', `${good} Not taken: ${words}`.slice(0, maxFlash), 'bad')
      return desk.go(
        ctx,
        '/media',
        `${good} Describe ${added === 1 ? 'it' : 'them'} for those who cannot see.`,
      )
    })
    .get('/w/:slug/media/:id/file', async ctx => {
      const size = FileQuery.safeParse(ctx.query)
      const stored = await desk.read(ctx, scope => readStored(scope, ctx.params.id))
      return pictureResponse(files, stored, size.success ? size.data.size : 'full', ctx.request)
    })
    .post('/w/:slug/media/:id', async ctx => {
      const sent = await desk.submit(ctx, MediaChange, (scope, change) =>
        changeMedia(scope, ctx.params.id, change),
      )
      if (!sent.ok) return show(ctx, { picture: { id: ctx.params.id, form: sent.rejected } })
      return desk.go(ctx, `/media${onward(ctx)}#picture-${sent.value.id}`, 'The alt text is saved.')
    })
    .post('/w/:slug/media/:id/removal', async ctx => {
      try {
        const { tenantId, id, bytesToo } = await desk.write(ctx, async scope => ({
          tenantId: scope.tenant.id,
          ...(await removeMedia(scope, ctx.params.id)),
        }))
        if (bytesToo) await files.remove(tenantId, id)
      } catch (error) {
        const rejected = rejection(ctx.body, error)
        if (!rejected) throw error
        return desk.go(ctx, `/media${onward(ctx)}`, rejected.message, 'bad')
      }
      return desk.go(ctx, `/media${onward(ctx)}`, 'The picture is out of the library.')
    })
}

const cursorOf = (ctx: Library): string | undefined =>
  typeof ctx.query.cursor === 'string' ? ctx.query.cursor : undefined

/** Back to the same page of the library. */
const onward = (ctx: Library): string => {
  const cursor = cursorOf(ctx)
  return cursor ? `?cursor=${encodeURIComponent(cursor)}` : ''
}

/** The chosen files of an upload; a browser sends an empty, nameless one when none was chosen. */
const filesOf = (body: unknown): File[] =>
  [(body as { files?: unknown } | null)?.files ?? []]
    .flat()
    .filter((entry): entry is File => entry instanceof File && (entry.size > 0 || Boolean(entry.name)))

const refused = (message: string): Rejected => ({ values: {}, errors: { files: message }, message })
