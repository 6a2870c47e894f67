/** Reading a published status back. */
import { isObject, jsonObject, textAt } from './answers.ts'
import { fromHtml } from './mastodon-look.ts'
import { call, callerOf, trouble } from './mastodon-server.ts'
import type { Account, Json, Looking, Published, Seen } from './platform.ts'

/** The status as its server shows it; null when there is none. @throws Stop when the answer tells nothing */
export async function readStatus(
  account: Account,
  published: Published,
  looking: Looking,
): Promise<Seen | null> {
  const caller = callerOf(account, looking.credential.current, looking)
  const answer = await call(caller, `/api/v1/statuses/${encodeURIComponent(published.remoteId)}`)
  if (answer.status === 404 || answer.status === 410) return null
  const status = answer.status === 200 ? jsonObject(answer) : null
  if (status === null || typeof status.content !== 'string') throw trouble(answer, [caller.token])
  const attached = Array.isArray(status.media_attachments) ? status.media_attachments.filter(isObject) : []
  const uploads = uploadsOf(looking.steps)
  return {
    text: fromHtml(status.content).replace(/\n$/, ''),
    images: attached.map(media => ({
      alt: typeof media.description === 'string' ? media.description : '',
      // Servers write every picture anew, so only its id tells that it is the one that we uploaded.
      picture: uploads.has(textAt(media, 'id') ?? '') ? 'reencoded' : 'other',
    })),
    notes: /class="(invisible|ellipsis)"/.test(status.content)
      ? ['Links are shown shortened and lead to the whole address.']
      : [],
  }
}

function uploadsOf(steps: Readonly<Record<string, Json>>): Set<string> {
  const ids = Object.entries(steps).flatMap(([name, value]) =>
    name.startsWith('picture-') && isObject(value) ? [textAt(value, 'id') ?? ''] : [],
  )
  return new Set(ids.filter(Boolean))
}
