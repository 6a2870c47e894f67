import { createHash } from 'node:crypto'
import { Elysia } from 'elysia'
import { FrontPage } from '../../views/feed/front.tsx'
import { MissingPage, PostPage } from '../../views/feed/post.tsx'
import type { Html } from '../../views/html.ts'
import { tenantNow } from '../db/directory.ts'
import type { Scope } from '../db/scope.ts'
import { slugPattern } from '../db/tenants.ts'
import { NotFound, Unavailable } from '../errors.ts'
import { Moved } from '../http/moved.ts'
import { publicOrigin } from '../http/origin.ts'
import { isId } from '../lib/id.ts'
import { pictureResponse } from '../media/file.ts'
import type { Services } from '../services.ts'
import { addressesOf } from './addresses.ts'
import { listFeed, readFeedHead, readFeedPost, readPublicPicture } from './find.ts'
import { type Format, formats } from './syndicate.ts'

interface Visit {
  request: Request
  params: { slug: string }
  query: Record<string, unknown>
}

const frontSize = 13
const feedSize = 50
/** How long readers wait before they ask a suspended workspace's feed again. */
const pauseSeconds = 3600
/** `<id>`, or with the ending that tells feed readers the type. */
const pictureName = /^([0-9a-f-]{36})(?:\.(?:jpeg|png|webp))?$/i

/** The workspace's public feed. Anybody may read it; there is no session here, and nothing but what is published. */
export function feedPages({
  db,
  replica,
  config,
  files,
}: Pick<Services, 'db' | 'replica' | 'config' | 'files'>) {
  /** Reads in the workspace of that address. */
  async function inside<T>(visit: Visit, work: (scope: Scope) => Promise<T>): Promise<T> {
    const { slug } = visit.params
    const known = slugPattern.test(slug) ? await db.tenantBySlug(slug) : null
    const tenant = known && (await tenantNow(db, known.id))
    if (!tenant) throw new NotFound('There is no such feed.')
    if (tenant.slug !== slug) throw new Moved(slug, tenant.slug)
    // Readers ask again and lose nothing; a feed that is gone for good is not found, because nothing remembers it.
    if (tenant.state === 'suspended') throw new Unavailable('This feed is paused for now.', pauseSeconds)
    const reader = { tenantId: tenant.id, userId: null, role: 'system' } as const
    const read = await replica?.read(reader, work)
    return read ? read.value : db.within(reader, work, { readOnly: true })
  }
  const addresses = (visit: Visit) => addressesOf(publicOrigin(visit.request, config), visit.params.slug)

  async function syndicate(visit: Visit, format: Format): Promise<Response> {
    const { head, posts } = await inside(visit, async scope => ({
      head: await readFeedHead(scope),
      posts: (await listFeed(scope, { limit: feedSize })).items,
    }))
    const { type, write } = formats[format]
    return fresh(visit.request, write(head, posts, addresses(visit)), type)
  }

  return new Elysia()
    .get('/feed/:slug', async visit => {
      const cursor = typeof visit.query.cursor === 'string' ? visit.query.cursor : undefined
      const { head, page } = await inside(visit, async scope => ({
        head: await readFeedHead(scope),
        page: await listFeed(scope, { limit: frontSize, cursor }),
      }))
      const first = cursor === undefined
      return shown(visit.request, FrontPage({ head, page, first, at: addresses(visit) }))
    })
    .get('/feed/:slug/posts/:jobId', async visit => {
      const { head, post } = await inside(visit, async scope => ({
        head: await readFeedHead(scope),
        post: await readFeedPost(scope, visit.params.jobId).catch(orNull),
      }))
      const at = addresses(visit)
      if (!post) return shown(visit.request, MissingPage({ head, at }), 404)
      return shown(visit.request, PostPage({ head, post, at }))
    })
    .get('/feed/:slug/media/:id', async visit => {
      const id = pictureName.exec(visit.params.id)?.[1] ?? ''
      if (!isId(id)) throw new NotFound()
      const stored = await inside(visit, scope => readPublicPicture(scope, id))
      const size = visit.query.size === 'thumbnail' ? 'thumbnail' : 'full'
      return pictureResponse(files, stored, size, visit.request, 'public')
    })
    .get('/feed/:slug/rss.xml', visit => syndicate(visit, 'rss.xml'))
    .get('/feed/:slug/atom.xml', visit => syndicate(visit, 'atom.xml'))
    .get('/feed/:slug/feed.json', visit => syndicate(visit, 'feed.json'))
}

const shown = (request: Request, markup: Html, status = 200): Response =>
  fresh(request, markup.markup, 'text/html; charset=utf-8', status)

/**
 * An answer that anybody may keep but has to ask about each time (ETag, 304), so that a post is seen the moment it is
 * out and a feed reader that has it all is told so in a few bytes.
 */
function fresh(request: Request, body: string, type: string, status = 200): Response {
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`
  const headers = { etag, 'cache-control': 'public, no-cache', 'content-type': type }
  const known = request.headers
    .get('if-none-match')
    ?.split(',')
    .map(tag => tag.trim().replace(/^W\//, ''))
  if (status === 200 && known?.includes(etag)) return new Response(null, { status: 304, headers })
  return new Response(body, { status, headers })
}

function orNull(error: unknown): null {
  if (error instanceof NotFound) return null
  throw error
}
