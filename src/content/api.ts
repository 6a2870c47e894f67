import { Elysia } from 'elysia'
import type { ApiDoor } from '../http/api-door.ts'
import { ListQuery } from '../lib/cursor.ts'
import { comment, listComments } from './comments.ts'
import { archiveContent, createContent, duplicateContent, restoreContent, saveContent } from './content.ts'
import { ContentQuery, listContent, readContent, shown } from './find.ts'
import { ContentChange, NewComment, NewContent } from './schema.ts'
import { listVersions } from './versions.ts'

const tags = ['content']

export function contentApi(api: ApiDoor) {
  return new Elysia()
    .get(
      '/content',
      context =>
        api.read(context, async scope => {
          const { items, next } = await listContent(scope, context.query)
          return { items: items.map(shown), next }
        }),
      { query: ContentQuery, detail: { summary: 'Content, last changed first', tags } },
    )
    .post('/content', context => api.write(context, scope => createContent(scope, context.body), 201), {
      body: NewContent,
      detail: { summary: 'Begin a piece of content', tags },
    })
    .get('/content/:id', context => api.read(context, scope => readContent(scope, context.params.id)), {
      detail: { summary: 'One piece of content', tags },
    })
    .patch(
      '/content/:id',
      context => api.write(context, scope => saveContent(scope, context.params.id, context.body)),
      { body: ContentChange, detail: { summary: 'Save a change as the next version', tags } },
    )
    .delete(
      '/content/:id',
      context => api.write(context, scope => archiveContent(scope, context.params.id)),
      {
        detail: { summary: 'Archive: planned jobs are cancelled, nothing is erased', tags },
      },
    )
    .post(
      '/content/:id/restoration',
      context => api.write(context, scope => restoreContent(scope, context.params.id)),
      { detail: { summary: 'Take out of the archive, as a draft', tags } },
    )
    .post(
      '/content/:id/copies',
      context => api.write(context, scope => duplicateContent(scope, context.params.id), 201),
      { detail: { summary: 'A new draft with the same words and pictures', tags } },
    )
    .get(
      '/content/:id/versions',
      context => api.read(context, scope => listVersions(scope, context.params.id, context.query)),
      { query: ListQuery, detail: { summary: 'Saved versions, newest first', tags } },
    )
    .get(
      '/content/:id/comments',
      context => api.read(context, scope => listComments(scope, context.params.id, context.query)),
      { query: ListQuery, detail: { summary: 'Comments, oldest first', tags } },
    )
    .post(
      '/content/:id/comments',
      context => api.write(context, scope => comment(scope, context.params.id, context.body), 201),
      { body: NewComment, detail: { summary: 'Comment', tags } },
    )
}
