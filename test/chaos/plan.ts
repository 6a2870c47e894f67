/** Planning posts through the API, each once, and keeping what was accepted. */
import type { Fault } from '../peers/serve.ts'
import type { Answer } from './ask.ts'
import type { Accepted } from './check.ts'
import type { Network } from './platforms.ts'
import type { Account, Rig, Tenant } from './rig.ts'

export interface Size {
  tenants: number
  posts: number
  /** Over so many milliseconds the posts fall due. */
  overMs: number
}

/** One play of a fault. Times are milliseconds since 1970. */
export interface Play {
  /** How every text of it begins. */
  name: string
  /** From here on, for `overMs`, posts fall due. */
  from: number
  overMs: number
  random(): number
}

export interface Wish {
  tenant: Tenant
  account: Account
  text: string
  dueAt: number
  pictures: number
  /** What the parts after the first say. */
  parts?: readonly string[]
  row?: string
  /** What its call to the platform meets, the first time. */
  meets?: Fault
}

/** A machine that is slow at planning falls behind the plan, not out of it. */
const leastAheadMs = 2_000

export async function planOne(rig: Rig, wish: Wish, first: { first?: number } = {}): Promise<Accepted> {
  const { tenant, account, text, pictures, parts, row } = wish
  if (wish.meets) rig.platforms.meet(text, wish.meets)
  const key = text.replaceAll(' ', '-')
  const media = tenant.pictures.slice(0, pictures)
  const made = await rig.ask(tenant, 'POST', '/content', {
    body: { text, media, ...(parts ? { thread: parts.map(part => ({ text: part })) } : {}) },
    key: `${key}-content`,
    ...first,
  })
  if (made.status !== 201) throw new Error(`${text}: ${made.status} ${JSON.stringify(made.body)}`)
  let dueAt = 0
  let job: Answer
  let aheadMs = leastAheadMs
  do {
    dueAt = Math.max(wish.dueAt, Date.now() + aheadMs)
    job = await rig.ask(tenant, 'POST', `/content/${made.body.id}/publish-jobs`, {
      body: { accounts: [account.id], at: new Date(dueAt).toISOString() },
      key: `${key}-job`,
      ...first,
    })
    // It took so long to be answered that the moment had passed: nothing was planned.
    aheadMs *= 2
  } while (job.status === 422 && job.body.code === 'time_in_past')
  if (job.status !== 201) throw new Error(`${text}: ${job.status} ${JSON.stringify(job.body)}`)
  const post: Accepted = {
    job: job.body.items[0].id,
    tenant: tenant.slug,
    place: account.place,
    texts: [text],
    dueAt,
    pictures,
    ...(parts ? { parts } : {}),
    ...(row ? { row } : {}),
    cancelledAt: null,
  }
  rig.posts.push(post)
  return post
}

/** Of every workspace several at once, of each one after another. */
export async function planAll(rig: Rig, wishes: readonly Wish[]): Promise<void> {
  await Promise.all(
    [...Map.groupBy(wishes, ({ tenant }) => tenant).values()].map(async own => {
      for (const wish of own) await planOne(rig, wish)
    }),
  )
}

/** The same number for each workspace, over all its accounts in turn, some with pictures. */
export function usualWishes(rig: Rig, play: Play, posts: number): Wish[] {
  return rig.tenants.flatMap((tenant, nth) =>
    Array.from({ length: posts }, (_, n): Wish => {
      const account = tenant.accounts[(nth + n) % tenant.accounts.length]
      if (!account) throw new Error('a workspace without accounts')
      return {
        tenant,
        account,
        text: `${play.name} ${tenant.slug} ${n}`,
        dueAt: play.from + Math.floor(play.random() * play.overMs),
        pictures: n % 4 === 3 ? 2 : 0,
      }
    }),
  )
}

export function accountAt(tenant: Tenant, network: Network | 'rehearsal'): Account {
  const found = tenant.accounts.find(one => one.network === network)
  if (!found) throw new Error(`${tenant.slug} has no account at ${network}`)
  return found
}

/** Of so many workspaces as there are, over and over. */
export function tenantAt({ tenants }: Rig, n: number): Tenant {
  const tenant = tenants[n % tenants.length]
  if (!tenant) throw new Error('no workspaces')
  return tenant
}

export const until = (at: number) => Bun.sleep(Math.max(0, at - Date.now()))
