import type { PlatformId } from '../platform.ts'
import type { Catalogue } from './entry.ts'
import { misfits, network, ours, replies } from './everywhere.ts'
import { catalogue } from './index.ts'

/** A platform's failures in the order in which people read them. */
export function chaptersOf(platform: PlatformId, name: string): { title: string; entries: Catalogue }[] {
  const all: Catalogue = catalogue[platform]
  const among = (part: Catalogue, inside: boolean): Catalogue =>
    Object.fromEntries(Object.entries(all).filter(([code]) => Object.hasOwn(part, code) === inside))
  const chapters = [
    { title: `What ${name} answers`, entries: among({ ...misfits, ...replies, ...network, ...ours }, false) },
    { title: 'The post does not fit', entries: among(misfits, true) },
    { title: 'Threads and first comments', entries: among(replies, true) },
    { title: 'The connection', entries: among(network, true) },
    { title: 'On our side', entries: among(ours, true) },
  ]
  return chapters.filter(({ entries }) => Object.keys(entries).length > 0)
}

/** What is done about a failure, as people are told. */
export const outcomeWords = {
  retry: 'tried again by itself',
  rejected: 'failed',
  reconnect: 'held until you reconnect',
  unconfirmed: 'we ask you',
  held: 'held until it may go out',
  cancelled: 'not sent',
} as const
