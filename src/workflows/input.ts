import type { Scope } from '../db/scope.ts'
import { NotFound } from '../errors.ts'
import { readJob } from '../publishing/find.ts'
import { type DraftImage, postDraft } from '../publishing/post.ts'
import type { Trigger } from './schema.ts'

/** What a flow receives as its body: `{type, timestamp, data}`, the shape of every event. */
export interface EventInput {
  type: string
  /** ISO 8601. */
  timestamp: string
  data: { job: object; content: object; sample?: true }
}

/** The input for a job that was published: the job, and the words and pictures as its account got them. */
export async function publishedInput(scope: Scope, jobId: string): Promise<EventInput> {
  const { attempts: _, error: __, readBack: ___, ...job } = await readJob(scope, jobId)
  const { text, images, thread, firstComment } = await postDraft(scope, job)
  const [row] = await scope.sql`
    select c.tags, a.name, a.handle, public.clock() as now
    from content c, social_accounts a where c.id = ${job.contentId} and a.id = ${job.accountId}`
  if (!row) throw new NotFound()
  return {
    type: 'publish_job.published',
    timestamp: (row.now as Date).toISOString(),
    data: {
      job: { ...job, account: { name: row.name as string, handle: row.handle as string } },
      content: {
        id: job.contentId,
        versionId: job.versionId,
        text,
        tags: row.tags as string[],
        media: images.map(pictureOf),
        thread: thread.map(part => ({ text: part.text, media: part.images.map(pictureOf) })),
        firstComment,
      },
    },
  }
}

const pictureOf = ({ id, type, width, height, alt }: DraftImage) => ({
  id,
  type,
  width,
  height,
  alt,
  url: `/api/v1/media/${id}/file`,
})

const none = '00000000-0000-7000-8000-000000000000'

/** An input to try a flow with: the latest published job where there is one, else an invented one. `data.sample` marks it. */
export async function sampleInput(scope: Scope, trigger: Trigger): Promise<EventInput> {
  const [latest] = await scope.sql`
    select id from publish_jobs where state = 'published' and first_comment_of is null order by published_at desc nulls last, id desc limit 1`
  if (latest) {
    const input = await publishedInput(scope, latest.id as string)
    return { ...input, data: { ...input.data, sample: true } }
  }
  const [row] = await scope.sql`
    select public.clock() as now, to_char(public.clock() at time zone zone, 'YYYY-MM-DD"T"HH24:MI') as local, zone from workspace`
  if (!row) throw new NotFound()
  const timestamp = (row.now as Date).toISOString()
  const job = {
    id: none,
    contentId: none,
    versionId: none,
    accountId: none,
    platform: 'feed',
    state: 'published',
    runAt: timestamp,
    local: row.local as string,
    zone: row.zone as string,
    nextTryAt: null,
    remoteId: none,
    remoteUrl: `https://desk.example.com/feed/${scope.tenant.slug}/posts/${none}`,
    thread: null,
    firstCommentOf: null,
    publishedAt: timestamp,
    account: { name: 'Own feed', handle: `/feed/${scope.tenant.slug}` },
  }
  const content = {
    id: none,
    versionId: none,
    text: 'A sample: this is how a published post arrives.',
    tags: ['sample'],
    media: [],
    thread: [],
    firstComment: '',
  }
  return { type: trigger, timestamp, data: { job, content, sample: true } }
}
