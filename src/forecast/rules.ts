/** What may keep a planned post from going out well: pure rules over what was read and asked. */
import { outsideWindow } from '../approvals/schema.ts'
import { sideOf, windowWords } from '../approvals/window.ts'
import { platforms } from '../platforms/index.ts'
import { misfit } from '../platforms/misfit.ts'
import { picturesOf, taken } from '../platforms/parts.ts'
import type { Outlook } from '../platforms/platform.ts'
import { payloadOf } from '../publishing/payload.ts'
import { sealBroken } from '../publishing/seals.ts'
import { alikeRule, crowdedRule, quotaRule } from './among.ts'
import type { Facts, PlannedJob } from './facts.ts'
import type { Finding } from './schema.ts'

/** What was found out by asking, beside the facts. */
export interface Asked {
  /** By account: whether it works, in the platform's own word, and what it told of the time ahead. */
  accounts: Map<string, { ok: boolean; final: boolean; message: string | null; outlook: Outlook }>
  /** Bytes of each stored picture; null when the storage did not answer. */
  pictures: Map<string, number> | null
  /** Whether the addresses of our pictures can be reached from outside. */
  publicAddress: boolean
}

const hour = 3_600_000
/** What is not approved so long before its moment is in danger. */
const approvalMs = 24 * hour

/** The findings about each job, in the order of `facts.jobs`. */
export function findAll(facts: Facts, asked: Asked): Finding[][] {
  const rules = [accountRule, brakeRule, approvalRule, sealRule, windowRule, fitRule, pictureRule]
  const found = facts.jobs.map(job => rules.flatMap(rule => rule(job, facts, asked)))
  for (const rule of [quotaRule, crowdedRule, alikeRule])
    for (const [at, finding] of rule(facts, asked)) found[at]?.push(finding)
  return found
}

function accountRule(job: PlannedJob, { accounts }: Facts, asked: Asked): Finding[] {
  const account = accounts.get(job.accountId)
  if (!account)
    return [
      {
        level: 'red',
        code: 'account_gone',
        reason: 'The account of this post is no longer here.',
        cure: 'Cancel it, or plan it for another account.',
        path: `/publish-jobs/${job.id}`,
      },
    ]
  const path = `/accounts/${job.accountId}`
  const checked = asked.accounts.get(job.accountId)
  if (checked && !checked.ok && checked.final)
    return [
      {
        level: 'red',
        code: 'reconnect_needed',
        reason: checked.message
          ? `${account.name}: ${checked.message}`
          : `${account.name} has to be connected again.`,
        cure: 'Connect the account again: the post then goes out by itself.',
        path,
      },
    ]
  if (checked && !checked.ok)
    return [
      {
        level: 'amber',
        code: 'account_unreachable',
        reason: `${account.name} could not be asked whether it works. ${checked.message ?? ''}`.trim(),
        cure: 'Nothing to do if it was a moment’s trouble. If it goes on, check that the service is up.',
        path,
      },
    ]
  const refuses = checked?.outlook.refuses
  if (refuses)
    return [
      {
        level: 'red',
        code: refuses.code,
        reason: `${account.name}: ${refuses.message}`,
        cure: refuses.next,
        path,
      },
    ]
  return []
}

function brakeRule(job: PlannedJob): Finding[] {
  if (job.heldFor !== 'brake') return []
  return [
    {
      level: 'amber',
      code: 'braked',
      reason: 'A brake holds it.',
      cure: 'Take the brake off once it may go out.',
      path: '/brakes',
    },
  ]
}

function approvalRule(job: PlannedJob, { approvalRequired, now }: Facts): Finding[] {
  if (!approvalRequired || job.contentState === 'approved') return []
  const left = job.runAt.getTime() - now.getTime()
  const asked = job.contentState === 'in_review'
  const hours = Math.floor(left / hour)
  return [
    {
      level: untilApproved(left),
      code: 'approval_missing',
      reason: `${asked ? 'It waits for approval' : 'Nobody has been asked to approve it'}, and it is due in ${
        hours < 1 ? 'less than an hour' : hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`
      }.`,
      cure: asked
        ? 'Approve it, or move it to a later time.'
        : 'Ask for approval, or move it to a later time.',
      path: `/content/${job.contentId}`,
    },
  ]
}

/** What is approved, but would be stopped at the last moment because it is not what the approval pinned. */
function sealRule(job: PlannedJob, { accounts, approvalRequired, now }: Facts): Finding[] {
  const account = accounts.get(job.accountId)
  if (!approvalRequired || job.contentState !== 'approved' || !job.draft || !account) return []
  const { sha256 } = payloadOf(job.draft, { id: job.accountId, platform: account.platform })
  if (job.sealed === sha256) return []
  return [
    {
      level: untilApproved(job.runAt.getTime() - now.getTime()),
      ...(job.sealed === null
        ? {
            code: 'seal_missing',
            reason: `What ${account.name} would be sent is not among what was approved.`,
          }
        : {
            code: sealBroken,
            reason: `What ${account.name} would be sent is no longer what was approved.`,
          }),
      cure: 'Take the approval back, and approve it as it is now.',
      path: `/content/${job.contentId}`,
    },
  ]
}

/** What was approved for another time than the one that it is planned for. */
function windowRule(job: PlannedJob, { approvalRequired, zone, now }: Facts): Finding[] {
  const window = job.draft?.window ?? null
  const side = sideOf(window, job.runAt)
  if (!approvalRequired || job.contentState !== 'approved' || !window || !side) return []
  return [
    {
      level: untilApproved(job.runAt.getTime() - now.getTime()),
      code: outsideWindow,
      reason: `It is approved to go out ${windowWords(window, zone)}, and its moment is ${side} that time.`,
      cure: 'Move it into that time, or have it approved for another one.',
      path: `/publish-jobs/${job.id}`,
    },
  ]
}

const untilApproved = (leftMs: number) => (leftMs < approvalMs ? 'red' : 'amber')

function fitRule(job: PlannedJob, { accounts }: Facts, asked: Asked): Finding[] {
  const account = accounts.get(job.accountId)
  if (!account) return []
  const path = `/content/${job.contentId}`
  if (!job.draft)
    return [
      {
        level: 'red',
        code: 'content_gone',
        reason: 'The words of this post are no longer here.',
        cure: 'Cancel it, or write it anew.',
        path,
      },
    ]
  const limits = asked.accounts.get(job.accountId)?.outlook.limits ?? account.account.limits
  const platform = platforms[account.platform]
  const why = misfit(taken(job.draft, platform), limits, platform.name)
  return why ? [{ level: 'red', code: why.code, reason: why.message, cure: why.next, path }] : []
}

function pictureRule(job: PlannedJob, { accounts }: Facts, { pictures, publicAddress }: Asked): Finding[] {
  const images = job.draft ? picturesOf(job.draft) : []
  if (images.length === 0) return []
  const path = `/content/${job.contentId}`
  const found: Finding[] = []
  if (accounts.get(job.accountId)?.platform === 'webhook' && !publicAddress)
    found.push({
      level: 'amber',
      code: 'picture_unreachable',
      reason:
        'The receiver gets the pictures as addresses of this server, and those work on this machine only.',
      cure: 'Whoever runs this server sets PUBLIC_URL to an address that the receiver can reach.',
      path: null,
    })
  if (pictures === null)
    found.push({
      level: 'amber',
      code: 'storage_away',
      reason: 'The storage did not answer, so it is not known whether the pictures are there.',
      cure: 'Whoever runs this server finds the cause with “bun run doctor”.',
      path: null,
    })
  else
    for (const [at, image] of images.entries()) {
      const bytes = pictures.get(image.id.toLowerCase())
      if (bytes === image.bytes) continue
      found.push({
        level: 'red',
        code: bytes === undefined ? 'picture_missing' : 'picture_damaged',
        reason: `The file of picture ${at + 1} ${
          bytes === undefined ? 'is missing' : `has ${bytes} bytes instead of ${image.bytes}`
        }.`,
        cure: 'Upload the picture again and put it into the post.',
        path,
      })
    }
  return found
}
