/** What may go wrong between the posts of one account: pure rules, as those about one post. */
import { dateFormat } from '../lib/dates.ts'
import { platforms } from '../platforms/index.ts'
import type { PostDraft } from '../publishing/post.ts'
import { firstAlike } from './alike.ts'
import type { Facts, PlannedJob } from './facts.ts'
import type { Asked } from './rules.ts'
import type { Finding } from './schema.ts'

const hour = 3_600_000
/** Two posts of one account closer than this get into each other's way. */
const crowdedMs = 10 * 60_000

/** Each account's jobs, with their places among all. */
function byAccount({ jobs }: Facts): [string, { job: PlannedJob; at: number }[]][] {
  return [
    ...Map.groupBy(
      jobs.map((job, at) => ({ job, at })),
      ({ job }) => job.accountId,
    ),
  ]
}

/** Findings with their jobs' places among all. */
type Placed = [number, Finding][]

/** More posts than the platform takes in its time. */
export function quotaRule(facts: Facts, asked: Asked): Placed {
  return byAccount(facts).flatMap(([id, jobs]): Placed => {
    const account = facts.accounts.get(id)
    const platform = account && platforms[account.platform]
    const left = asked.accounts.get(id)?.outlook.left
    return jobs.flatMap(({ job, at }, index): Placed => {
      const quota = platform?.quota
      const before = quota && jobs[index - quota.posts]
      const over = before && job.runAt.getTime() - before.job.runAt.getTime() < quota.hours * hour
      // Each part and first comment takes at least one call, and each picture one more.
      const spent = left && job.runAt < left.until && callsUntil(jobs, index) > left.calls
      if (!over && !spent) return []
      const reason = over
        ? `${platform?.name} takes ${quota.posts} posts in ${quota.hours} h from one account, and this one is beyond that.`
        : `${platform?.name} takes ${left?.calls} more calls before ${clock(left?.until ?? job.runAt, facts.zone)}, and this post is beyond that.`
      return [
        [
          at,
          {
            level: 'amber',
            code: 'quota_spent',
            reason,
            cure: 'It goes out late, as soon as the platform lets it. Move it, or some of the others.',
            path: `/publish-jobs/${job.id}`,
          },
        ],
      ]
    })
  })
}

const callsUntil = (jobs: readonly { job: PlannedJob }[], index: number): number =>
  jobs.slice(0, index + 1).reduce((sum, { job }) => sum + (job.draft ? callsOf(job.draft) : 1), 0)

function callsOf({ images, thread, firstComment }: PostDraft): number {
  const parts = [{ images }, ...thread]
  return parts.reduce((sum, part) => sum + 1 + part.images.length, firstComment === '' ? 0 : 1)
}

/** Posts of one account at nearly the same moment. */
export function crowdedRule(facts: Facts): Placed {
  return byAccount(facts).flatMap(([id, jobs]): Placed => {
    // A feed and a receiver take posts as close as people like.
    const platform = facts.accounts.get(id)?.platform
    if (platform === 'feed' || platform === 'webhook') return []
    return jobs.slice(1).flatMap(({ job, at }, index): Placed => {
      const before = jobs[index]?.job
      if (!before || job.runAt.getTime() - before.runAt.getTime() >= crowdedMs) return []
      const minutes = Math.round((job.runAt.getTime() - before.runAt.getTime()) / 60_000)
      const apart = minutes < 1 ? 'at the same moment as' : `${minutes} min after`
      return [
        [
          at,
          {
            level: 'amber',
            code: 'crowded',
            reason: `It goes out ${apart} another post of ${facts.accounts.get(id)?.name ?? 'this account'}.`,
            cure: 'Move one of the two, so that each gets its readers.',
            path: `/publish-jobs/${job.id}`,
          },
        ],
      ]
    })
  })
}

/** Posts that say what another one of the account says, planned or out lately. */
export function alikeRule(facts: Facts): Placed {
  return byAccount(facts).flatMap(([id, jobs]): Placed => {
    const past = facts.past.filter(post => post.accountId === id)
    const all = [
      ...past.map(({ at, text }) => ({ when: at, text, out: true })),
      ...jobs.map(({ job }) => ({ when: job.runAt, text: job.draft?.text ?? '', out: false })),
    ]
    const alike = firstAlike(all.map(({ text }) => text))
    return jobs.flatMap(({ job, at }, index): Placed => {
      const place = past.length + index
      const other = alike[place] ?? null
      const twin = other === null ? undefined : all[other]
      // Told at the later of the two.
      if (!twin || other === null || other > place) return []
      return [
        [
          at,
          {
            level: 'amber',
            code: 'near_duplicate',
            reason: `It says nearly the same as the post that ${twin.out ? 'went' : 'goes'} to this account on ${clock(twin.when, facts.zone)}.`,
            cure: 'Say it in other words, or cancel one of them: networks hide or refuse what repeats itself.',
            path: `/content/${job.contentId}`,
          },
        ],
      ]
    })
  })
}

const clock = (at: Date, zone: string): string =>
  dateFormat(
    {
      weekday: 'short',
      day: 'numeric',
      month: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    },
    zone,
  ).format(at)
