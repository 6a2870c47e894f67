import sharp from 'sharp'
import { startSession } from '../src/auth/session.ts'
import { record } from '../src/events.ts'
import { createWorker } from '../src/jobs/worker.ts'
import { newId, tokenHash } from '../src/lib/id.ts'
import { addUser } from '../src/team/users.ts'
import { exportFolder } from '../src/tenants/exports.ts'
import type { House, Person } from './cast.ts'

/** One of everything that a workspace can hold. Every text of it carries `mark`, so that a leak can be seen. */
export interface World {
  person: Person
  mark: string
  slug: string
  tenantId: string
  user: string
  invitation: string
  inviteToken: string
  resetToken: string
  key: string
  session: string
  account: string
  feed: string
  media: string
  content: string
  /** In review. */
  submitted: string
  comment: string
  /** Planned for tomorrow. */
  job: string
  /** Nobody knows whether it went out. */
  unsure: string
  /** On the feed, with the picture. */
  published: string
  /** A rule, and the name of its third occurrence. */
  recurrence: string
  occurrence: string
  slot: string
  workflow: string
  run: string
  notification: string
  /** Switched off, so that nobody is called. */
  webhook: string
  /** A message to it that was not taken. */
  delivery: string
  /** An export that is ready. */
  export: string
  /** On a word that nothing says. */
  brake: string
}

let made = 0

export async function newPicture(): Promise<File> {
  made++
  const background = { r: made % 256, g: (made >> 8) % 256, b: 90 }
  const bytes = await sharp({ create: { width: 32, height: 24, channels: 3, background } })
    .png()
    .toBuffer()
  return new File([new Uint8Array(bytes)], 'picture.png', { type: 'image/png' })
}

/** Fills a workspace through the API, and where no request makes it, through the moves. */
export async function buildWorld(house: House, person: Person, mark: string): Promise<World> {
  const tag = `${mark} ${++made}`
  const post = async (path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const answer = await person.api('POST', path, body)
    if (answer.status >= 300) throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const id = (given: Record<string, unknown>) => given.id as string
  const system = { tenantId: person.tenant.id, userId: null, role: 'system' } as const
  const { within } = house.services.db

  const upload = new FormData()
  upload.append('file', await newPicture())
  upload.append('alt', tag)
  const media = id(await post('/media', upload))
  const account = id(await post('/accounts', { platform: 'rehearsal', settings: {} }))
  await person.api('PATCH', `/accounts/${account}`, { name: tag })
  const accounts = (await person.api('GET', '/accounts')).body.items as { id: string; platform: string }[]
  const feed = accounts.find(one => one.platform === 'feed')?.id ?? ''
  const content = id(await post('/content', { text: tag, media: [media], tags: [mark] }))
  const submitted = id(await post('/content', { text: tag }))
  await post(`/content/${submitted}/submission`)
  const comment = id(await post(`/content/${content}/comments`, { text: tag }))
  const first = (list: Record<string, unknown>) => id((list.items as Record<string, unknown>[])[0] ?? {})
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()
  const planned = await post(`/content/${content}/publish-jobs`, { accounts: [account], at: inDays(1) })
  const lost = await post(`/content/${content}/publish-jobs`, { accounts: [account], at: inDays(3) })
  const out = await post(`/content/${content}/publish-jobs`, { accounts: [feed], now: true })
  const worker = createWorker(house.services)
  await worker.idle()
  await worker.stop(5_000)
  const local = (days: number) => `${inDays(days).slice(0, 10)}T07:15`
  const recurrence = id(
    await post(`/content/${content}/recurrences`, {
      accounts: [account],
      rule: 'FREQ=DAILY',
      start: { local: local(4), zone: 'Europe/Berlin' },
    }),
  )
  const slots = await post('/slots', { account, weekdays: [1], local: '09:00' })
  const workflow = id(await post('/workflows', { name: tag, path: 'masthead' }))
  const run = id(await post(`/workflows/${workflow}/runs`, { input: { mark } }))
  const webhook = id(await post('/webhooks', { url: `https://hooks.example.com/${mark}/${made}` }))
  await person.api('PATCH', `/webhooks/${webhook}`, { active: false })
  const invited = await post('/invitations', { email: `guest-${made}@${mark}.example`, role: 'author' })
  const key = id(await post('/api-keys', { name: tag }))
  const resetToken = `reset-${mark}-${made}`
  const brake = id(await post('/brakes', { scope: 'word', value: `${tag} brake`, reason: tag }))
  const notification = newId()
  const delivery = newId()
  const exported = newId()
  await house.services.storage.write(`${exportFolder(person.tenant.id)}${exported}.capsule`, Buffer.from(tag))
  const { user, session } = await within(system, async scope => {
    const email = `user-${made}@${mark}.example`
    // Nobody signs in as this one.
    const user = await addUser(scope, { name: tag, email, role: 'editor', passwordHash: 'none' })
    await startSession(scope, person.id, 'page', tag)
    const [row] = await scope.sql`select id from sessions where agent = ${tag}`
    await scope.sql`
      insert into notifications (id, user_id, kind, about, path, subject_id)
      values (${notification}, ${person.id}, 'comment', ${tag}, ${`/content/${content}`}, ${newId()})`
    await scope.sql`
      insert into deliveries (id, kind, webhook_id, state, body, answer, tries, ended_at)
      values (${delivery}, 'webhook', ${webhook}, 'failed', ${scope.sql.json({ type: 'comment.created', timestamp: '2026-11-21T10:00:00.000Z', data: { comment: { text: tag } } })},
        ${scope.sql.json({ words: 'The receiver answered 500.' })}, 1, public.clock())`
    await scope.sql`
      insert into invitations (id, purpose, token_hash, email, user_id, expires_at)
      values (${newId()}, 'reset', ${tokenHash(resetToken)}, ${email}, ${user}, public.clock() + interval '1 hour')`
    await record(scope, 'workspace.export_started', scope.tenant.id, { export: exported })
    await record(scope, 'workspace.export_ended', scope.tenant.id, { export: exported, bytes: tag.length })
    await scope.sql`update publish_jobs set state = 'unconfirmed' where id = ${first(lost)}`
    return { user, session: row?.id as string }
  })
  return {
    person,
    mark,
    slug: person.tenant.slug,
    tenantId: person.tenant.id,
    user,
    invitation: id(invited),
    inviteToken: String(invited.link).split('/').at(-1) ?? '',
    resetToken,
    key,
    session,
    account,
    feed,
    media,
    content,
    submitted,
    comment,
    job: first(planned),
    unsure: first(lost),
    published: first(out),
    recurrence,
    occurrence: local(6),
    slot: first(slots),
    workflow,
    run,
    notification,
    webhook,
    delivery,
    export: exported,
    brake,
  }
}
