import { markReconnect } from '../../accounts/accounts.ts'
import { approveContent, requestChanges, submitContent } from '../../approvals/approvals.ts'
import { comment } from '../../content/comments.ts'
import { archiveContent, createContent, saveContent } from '../../content/content.ts'
import type { Scope } from '../../db/scope.ts'
import { record } from '../../events.ts'
import { readFacts } from '../../forecast/facts.ts'
import { rehearse, saveForecast } from '../../forecast/forecast.ts'
import type { Worker } from '../../jobs/worker.ts'
import { wallTime } from '../../lib/time.ts'
import { addPicture, keepPicture, preparePicture } from '../../media/media.ts'
import { cancelJob, resolveJob } from '../../publishing/moves.ts'
import { scheduleJobs } from '../../publishing/schedule.ts'
import type { Services } from '../../services.ts'
import { changeWebhook, createWebhook } from '../../webhooks/webhooks.ts'
import { changeWorkflow, createWorkflow } from '../../workflows/workflows.ts'
import { assembleCast, type Cast, type PersonName, zone } from './cast.ts'
import type { MovedClock } from './clock.ts'
import { drawPicture, type PictureName, pictures } from './pictures.ts'
import { ahead, type DemoPost, past, unplanned } from './posts.ts'
import { brakeOf, findRhythm } from './rhythm.ts'
import { loseTheAnswer } from './uncertain.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** Something that somebody does at a moment. */
interface Deed {
  at: number
  what(): Promise<unknown>
}

/**
 * Founds the workspace and lives through three weeks of it: each deed at its hour by the database's clock, through the
 * functions that the pages and the API call, and the real worker whenever something is due.
 */
export async function fill(services: Services, worker: Worker, clock: MovedClock): Promise<void> {
  const now = Date.now()
  await clock.to(new Date(now - 23 * day))
  const cast = await assembleCast(services)
  const as = <T>(name: PersonName, work: (scope: Scope) => Promise<T>) =>
    services.db.within(cast.people[name], work)
  const shown = await hangPictures(services, cast)
  const deeds = [
    ...past.flatMap(post => lifeOf(post, atTime(now, post))),
    ...ahead.flatMap((post, index) =>
      lifeOf(post, atTime(now, post), now - (0.4 + ((index * 7) % 15) * 0.19) * day),
    ),
    ...unplanned.flatMap(post => lifeOf(post, null, atTime(now, post))),
    ...brakeOf(services, as, cast, atTime(now, { day: -6, time: '20:30' })),
    {
      at: now - 3.9 * day,
      what: () =>
        services.db.within(cast.system, scope => markReconnect(scope, cast.accounts.market, signedOut)),
    },
  ]
  for (const { at, what } of deeds
    .map(deed => ({ ...deed, at: Math.min(deed.at, now - minute) }))
    .sort((a, b) => a.at - b.at)) {
    await clock.to(new Date(at))
    await what()
  }
  await findRhythm(as, cast)
  const rehearsed = await rehearse(services, await as('alice', readFacts))
  await as('alice', scope => saveForecast(scope, rehearsed, false))
  await as('alice', async scope => {
    const { id } = await createWorkflow(scope, {
      name: 'Tell the shop floor',
      trigger: 'publish_job.published',
      path: 'northwind-published',
    })
    if (!services.config.n8nUrl) await changeWorkflow(scope, id, { active: false })
    const receiver = 'https://hooks.northwind.example/desk'
    const webhook = await createWebhook(scope, { url: receiver, events: ['publish_job.published'] }, [])
    await changeWebhook(scope, webhook.id, { active: false }, [])
    await record(scope, 'workspace.changed', scope.tenant.id, { demo: 'filled' })
  })

  /** From its first words to the moment it goes out. @param due when it is planned for @param from its first words */
  function lifeOf(post: DemoPost, due: number | null, from = (due ?? now) - 2 * day): Deed[] {
    const began = Math.min(from, (due ?? now) - 8 * hour)
    let id = ''
    let jobs: string[] = []
    const { fate, by } = post
    const picture = post.picture ? [shown[post.picture] ?? ''] : []
    const variants = Object.entries(post.instead ?? {}).map(([name, text]) => ({
      accountId: cast.accounts[name as keyof Cast['accounts']],
      text,
    }))
    const deeds: Deed[] = [
      {
        at: began,
        what: async () => {
          const words = {
            media: picture,
            thread: (post.more ?? []).map(text => ({ text })),
            firstComment: post.firstComment ?? '',
            tags: post.tags,
            variants,
          }
          id = (await as(by, scope => createContent(scope, { text: post.before ?? post.text, ...words }))).id
        },
      },
      ...(post.said ?? []).map(([name, text], index) => ({
        at: began + (1 + index) * 20 * minute,
        what: () => as(name, scope => comment(scope, id, { text })),
      })),
    ]
    const then = (afterMs: number, name: PersonName, work: (scope: Scope) => Promise<unknown>) =>
      deeds.push({ at: began + afterMs, what: () => as(name, work) })
    if (post.before) then(1.2 * hour, by, scope => saveContent(scope, id, { text: post.text }))
    if (fate === 'draft') return deeds
    if (fate === 'archived') {
      then(3 * day, by, scope => archiveContent(scope, id))
      return deeds
    }
    then(1.5 * hour, by, scope => submitContent(scope, id))
    const reviewer: PersonName = post.tags.includes('brewing') && by !== 'bob' ? 'bob' : 'cora'
    if (fate === 'changes_requested')
      then(3 * hour, reviewer, scope => requestChanges(scope, id, { note: tooMuch }))
    else if (fate !== 'in_review') then(3 * hour, reviewer, scope => approveContent(scope, id))
    if (due === null) return deeds
    then(4 * hour, by === 'alice' ? 'alice' : 'bob', async scope => {
      const local = wallTime(new Date(due), zone).toPlainDateTime().toString({ smallestUnit: 'minute' })
      const accounts = post.to.map(name => cast.accounts[name])
      jobs = (await scheduleJobs(scope, id, { accounts, at: { local, zone } })).items.map(job => job.id)
    })
    if (fate === 'cancelled') {
      then(6 * hour, 'bob', async scope => {
        for (const job of jobs) await cancelJob(scope, job)
      })
    }
    if (due > now) return deeds
    const uncertain = fate === 'unconfirmed' || fate === 'found'
    deeds.push({ at: due, what: () => (uncertain ? loseTheAnswer(services, cast.system) : worker.idle()) })
    if (fate === 'found')
      deeds.push({
        at: due + 3 * hour,
        what: () => as('bob', scope => resolveJob(scope, jobs[0] ?? '', { as: 'published' })),
      })
    return deeds
  }
}

const tooMuch = 'One exclamation mark at most, and a limit: the first fifty. Otherwise we run out by ten.'
const signedOut = 'The market page has signed us out. Connect it again, and what waits goes out.'

/** The instant of a post's day and time in the workspace's zone. */
function atTime(now: number, post: Pick<DemoPost, 'day' | 'time'>): number {
  return wallTime(new Date(now), zone)
    .toPlainDate()
    .add({ days: post.day })
    .toZonedDateTime({ timeZone: zone, plainTime: Temporal.PlainTime.from(post.time) }).epochMilliseconds
}

/** Puts every picture into the library, two at a time. @returns their ids by name */
async function hangPictures(services: Services, cast: Cast): Promise<Partial<Record<PictureName, string>>> {
  const names = Object.keys(pictures) as PictureName[]
  const shown: Partial<Record<PictureName, string>> = {}
  const lane = async () => {
    for (let name = names.shift(); name; name = names.shift()) {
      const { alt } = pictures[name]
      const file = `${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}.jpg`
      const prepared = await preparePicture(await drawPicture(name))
      const media = await keepPicture(services.files, cast.tenantId, prepared, () =>
        services.db.within(cast.people.ines, scope => addPicture(scope, prepared, { alt, name: file })),
      )
      shown[name] = media.id
    }
  }
  await Promise.all([lane(), lane()])
  return shown
}
