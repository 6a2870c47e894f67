import type { Limits, PlatformId } from '../../src/platforms/platform.ts'
import { platforms } from '../ui/index.tsx'

/** The first line of a text, shortened at a word to about `length` characters. */
export function opening(text: string, length = 80): string {
  const line = text.trim().split('\n', 1)[0]?.trim() ?? ''
  const characters = [...line]
  if (characters.length <= length) return line
  const cut = characters.slice(0, length).join('')
  const space = cut.lastIndexOf(' ')
  return `${(space > length * 0.6 ? cut.slice(0, space) : cut).replace(/[\s,;:.–—-]+$/u, '')}…`
}

interface Named {
  id: string
  name: string
  handle: string
  platform: PlatformId
}

/**
 * How an account is called where there is little room: its platform; where two are on one platform its handle; its name
 * where that is not its own either.
 */
export function shortName(account: Named, all: readonly Named[]): string {
  const near = all.filter(({ platform }) => platform === account.platform)
  if (near.length === 1) return platforms[account.platform].name
  const own = account.handle && near.filter(({ handle }) => handle === account.handle).length === 1
  return own ? account.handle : account.name
}

/** An account by its name; by its handle where another has the same name. */
export function accountName(account: Named, all: readonly Named[]): string {
  if (account.platform === 'feed') return platforms.feed.name
  const alone = all.filter(({ name }) => name === account.name).length === 1
  return alone ? account.name : account.handle || account.name
}

/** A limit so wide that a counter would only be noise until it is near. */
export const isWide = (limits: Limits): boolean => limits.text.max >= 50_000

/** Pictures for a preview. */
export const imagesOf = (
  base: string,
  pictures: readonly { id: string; alt: string; width: number; height: number }[],
) => pictures.map(({ id, alt, width, height }) => ({ src: thumbnail(base, id), alt, width, height }))

export const thumbnail = (base: string, id: string): string => `${base}/media/${id}/file?size=thumbnail`
