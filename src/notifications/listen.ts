import { outsideWindow } from '../approvals/schema.ts'
import type { Scope } from '../db/scope.ts'
import type { EventType, Happening, Listener } from '../events.ts'
import type { Kind } from './schema.ts'
import { close, type MailBase, peopleWho, schedulers, type Telling, tell } from './tell.ts'
import {
  accountName,
  actorName,
  contentWords,
  forecastLines,
  forecastWords,
  jobWords,
  shorten,
} from './words.ts'

/** Writes what an event asks of whom, and closes what it has answered, in the transaction of the event. */
export function notify(config: MailBase): Listener {
  return async (scope, happenings) => {
    const telling = { ...scope, config }
    // Posts go out many at a time, and each of them only closes what was open about it.
    const published = happenings.filter(({ type }) => type === 'publish_job.published')
    if (published.length > 0)
      await close(
        scope,
        aboutJobs,
        published.map(({ subjectId }) => subjectId),
      )
    for (const happening of happenings) await reactions[happening.type]?.(telling, happening)
  }
}

/** What is asked about a job until it has gone out, is planned anew or called off. */
const aboutJobs: readonly Kind[] = ['failed', 'unconfirmed']

const reactions: Partial<Record<EventType, (scope: Telling, happening: Happening) => Promise<void>>> = {
  async 'publish_job.failed'(scope, { subjectId, data }) {
    await close(scope, ['unconfirmed'], subjectId)
    // Who gave a job up knows that it failed, and so does everybody who was asked about it.
    if (scope.actor.userId !== null) return
    const job = await jobWords(scope, subjectId)
    if (job)
      await tell(scope, 'failed', subjectId, attemptPath(subjectId, data), {
        about: `“${job.words}” did not go out to ${job.account}.`,
        to: await schedulers(scope, job.createdBy),
      })
  },
  async 'publish_job.unconfirmed'(scope, { subjectId, data }) {
    await close(scope, ['failed'], subjectId)
    const job = await jobWords(scope, subjectId)
    if (job)
      await tell(scope, 'unconfirmed', subjectId, attemptPath(subjectId, data), {
        about: `Did “${job.words}” go out to ${job.account}? We could not find out.`,
        to: await schedulers(scope, job.createdBy),
      })
  },
  async 'publish_job.held'(scope, { subjectId, data }) {
    if (data.code === outsideWindow && data.others !== undefined)
      return tellOutside(scope, subjectId, data.others as number)
    // What a brake has let go too late is told once, with the brake.
    if (data.for !== 'late' || data.from === 'brake') return
    const job = await jobWords(scope, subjectId)
    if (job)
      await tell(scope, 'failed', subjectId, `/publish-jobs/${subjectId}`, {
        about: `“${job.words}” was not sent to ${job.account}: its moment passed${data.why ? ` while ${data.why}` : ''}. It waits for your word.`,
        to: await schedulers(scope, job.createdBy),
      })
  },
  async 'publish_job.differs'(scope, { subjectId, data }) {
    const job = await jobWords(scope, subjectId)
    if (job)
      await tell(scope, 'different', subjectId, `/publish-jobs/${subjectId}`, {
        about: `“${job.words}” does not stand at ${job.account} as it was sent. ${(data.findings as string[]).join(' ')}`,
        to: await schedulers(scope, job.createdBy),
      })
  },
  'publish_job.cancelled': closeJob,
  'publish_job.scheduled': closeJob,
  'publish_job.moved': closeJob,

  async 'brake.put_on'(scope, { subjectId, data }) {
    const held = data.held as number
    const people = await peopleWho(scope, 'brakes.use')
    await tell(scope, 'brake', subjectId, '/brakes', {
      about: `${await actorName(scope)} put a brake on ${data.about}: ${data.reason} ${held === 1 ? 'One post is' : `${held} posts are`} held.`,
      to: people.filter(id => id !== scope.actor.userId),
    })
  },
  async 'brake.taken_off'(scope, { subjectId, data }) {
    await close(scope, ['brake'], subjectId)
    // Who took it off has seen the page say so; when it runs out nobody is there.
    const asks = data.asks as number
    if (!data.ranOut && asks === 0) return
    const ended = data.ranOut
      ? `The brake on ${data.about} has run out`
      : `${await actorName(scope)} took the brake off ${data.about}`
    const people = await peopleWho(scope, 'brakes.use')
    await tell(scope, 'brake', subjectId, asks > 0 ? '/publish-jobs?state=held' : '/brakes', {
      about: `${ended}: ${data.goesOut} planned again, ${asks} too late and waiting for your word.`,
      to: people.filter(id => id !== scope.actor.userId),
    })
  },

  async 'account.reconnect_needed'(scope, { subjectId }) {
    const [account] = await scope.sql`
      select name, platform, state_reason from social_accounts where id = ${subjectId}`
    if (account)
      await tell(scope, 'reconnect', subjectId, `/accounts/${subjectId}`, {
        about: `${accountName(account)} has to be connected again. ${account.state_reason ?? ''}`.trim(),
        to: await peopleWho(scope, 'accounts.manage'),
      })
  },
  'account.connected': (scope, { subjectId }) => close(scope, ['reconnect'], subjectId),
  'account.removed': (scope, { subjectId }) => close(scope, ['reconnect'], subjectId),

  async 'webhook.disabled'(scope, { subjectId, data }) {
    await tell(scope, 'webhook', subjectId, `/settings/webhooks/${subjectId}`, {
      about: `The event webhook of ${data.host} was switched off. ${data.reason}`,
      to: await peopleWho(scope, 'webhooks.manage'),
    })
  },
  async 'webhook.changed'(scope, { subjectId, data }) {
    if (data.active === true) await close(scope, ['webhook'], subjectId)
  },
  'webhook.removed': (scope, { subjectId }) => close(scope, ['webhook'], subjectId),

  async 'content.submitted'(scope, { subjectId }) {
    await close(scope, ['changes'], subjectId)
    const piece = await contentWords(scope, subjectId)
    const approvers = await peopleWho(scope, 'content.approve')
    if (piece)
      await tell(scope, 'review', subjectId, `/content/${subjectId}`, {
        about: `${await actorName(scope)} asks for your approval: “${piece.words}”`,
        to: approvers.filter(id => id !== scope.actor.userId),
      })
  },
  async 'content.changes_requested'(scope, { subjectId }) {
    await close(scope, ['review'], subjectId)
    const piece = await contentWords(scope, subjectId)
    if (piece?.createdBy)
      await tell(scope, 'changes', subjectId, `/content/${subjectId}`, {
        about: `${await actorName(scope)} asks for changes: “${piece.words}”`,
        to: [piece.createdBy].filter(id => id !== scope.actor.userId),
      })
  },
  async 'content.seal_broken'(scope, { subjectId, data }) {
    const piece = await contentWords(scope, subjectId)
    const changes = (data.changes as string[] | undefined)?.[0]
    if (piece)
      await tell(scope, 'review', subjectId, `/content/${subjectId}`, {
        about: `“${piece.words}” waits for approval again${changes ? `: since it was approved, ${changes}` : ''}.`,
        to: await peopleWho(scope, 'content.approve'),
      })
  },
  'content.approved': (scope, { subjectId }) => close(scope, ['review', 'changes'], subjectId),
  'content.withdrawn': (scope, { subjectId }) => close(scope, ['review', 'changes'], subjectId),
  'content.archived': (scope, { subjectId }) => close(scope, ['review', 'changes', 'comment'], subjectId),
  async 'content.updated'(scope, { subjectId }) {
    // New words may take a piece out of the review that they were in.
    const [piece] = await scope.sql`select state from content where id = ${subjectId}`
    if (piece && piece.state !== 'in_review') await close(scope, ['review'], subjectId)
  },

  async 'comment.created'(scope, { subjectId, data }) {
    const contentId = data.contentId as string
    const [row] = await scope.sql`
      select left(text, 200) as text, (select array_agg(distinct u.id) from users u
        where u.removed_at is null and u.id is distinct from m.user_id and (
          u.id = (select created_by from content c where c.id = m.content_id)
          or u.id in (select o.user_id from comments o where o.content_id = m.content_id))) as readers
      from comments m where m.id = ${subjectId}`
    // Who answers has read what was said before.
    if (scope.actor.userId) await close(scope, ['comment'], contentId, scope.actor.userId)
    if (row)
      await tell(scope, 'comment', contentId, `/content/${contentId}`, {
        about: `${await actorName(scope)}: “${shorten(row.text as string)}”`,
        to: (row.readers as string[] | null) ?? [],
      })
  },
  async 'forecast.made'(scope, { subjectId, data }) {
    const [red, amber] = [Number(data.red), Number(data.amber)]
    // A newer one takes the place of what the former one told; looking again by hand tells nobody anew.
    if (data.nightly || red + amber === 0)
      await scope.sql`
        update notifications set done_at = public.clock() where kind = 'forecast' and done_at is null`
    if (data.nightly && red + amber > 0)
      await tell(scope, 'forecast', subjectId, '/forecast', {
        about: forecastWords(red, amber),
        to: await peopleWho(scope, 'jobs.schedule'),
        lines: await forecastLines(scope),
      })
  },
  async 'user.removed'(scope, { subjectId }) {
    await scope.sql`
      update notifications set done_at = public.clock() where user_id = ${subjectId} and done_at is null`
  },
}

/** The job's page, at the attempt that the event is about. */
const attemptPath = (jobId: string, { attemptId }: Happening['data']): string =>
  `/publish-jobs/${jobId}${attemptId ? `#attempt-${attemptId}` : ''}`

async function tellOutside(scope: Telling, jobId: string, others: number): Promise<void> {
  const job = await jobWords(scope, jobId)
  if (job)
    await tell(scope, 'failed', jobId, `/publish-jobs/${jobId}`, {
      about: `“${job.words}” waits: it is planned for ${job.account} outside of the time that it was approved for${
        others === 0 ? '' : `, and ${others === 1 ? 'one more' : `${others} more`} of it`
      }.`,
      to: await schedulers(scope, job.createdBy),
    })
}

function closeJob(scope: Scope, { subjectId }: Happening): Promise<void> {
  return close(scope, aboutJobs, subjectId)
}
