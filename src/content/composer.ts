import { listAccounts, type SocialAccount } from '../accounts/find.ts'
import { type Decision, listDecisions } from '../approvals/find.ts'
import type { Scope } from '../db/scope.ts'
import { wallTime, zones } from '../lib/time.ts'
import { findMedia, listMedia, type Media } from '../media/find.ts'
import { may } from '../permissions.ts'
import { platforms } from '../platforms/index.ts'
import { misfit } from '../platforms/misfit.ts'
import { taken } from '../platforms/parts.ts'
import { type JobRow, listRows } from '../publishing/rows.ts'
import { readSeal, type SealSheet } from '../publishing/seal-sheet.ts'
import { listRecurrences } from '../recurrences/find.ts'
import type { Recurrence } from '../recurrences/schema.ts'
import { type Comment, listComments } from './comments.ts'
import { readDraft } from './drafts.ts'
import { listTags, type Piece, readPiece } from './find.ts'
import { limits, variantOf, wordsFor } from './schema.ts'
import { altsDiffer, blank, differs, givenOf, type Typed, typedFrom } from './typed.ts'
import { partMedia } from './typed-thread.ts'
import { listVersions, type Version } from './versions.ts'

/** What one account would get of what is typed, and whether it takes it. */
export interface Showing {
  account: SocialAccount
  picked: boolean
  /** As the platform takes it: where parts are joined, all of them. */
  text: string
  pictures: Media[]
  thread: { text: string; pictures: Media[] }[]
  firstComment: string
  own: boolean
  /** Why the account would refuse it, in words; null when it fits or there is nothing yet. */
  problem: string | null
}

export interface ComposerSheet {
  piece: Piece | null
  typed: Typed
  /** What is shown was typed and kept, but not saved. */
  draft: { at: Date } | null
  /** Somebody saved a version after the one that was written on. */
  overtaken: boolean
  showings: Showing[]
  /** Of all parts. */
  pictures: Media[]
  /** The ids of those that the first part shows. */
  firstPictures: string[]
  library: Media[]
  jobs: JobRow[]
  /** What of it repeats. */
  recurrences: Recurrence[]
  comments: Comment[]
  versions: Version[]
  decisions: Decision[]
  seal: SealSheet | null
  tags: string[]
  zones: string[]
  /** Now, as wall time in the zone of the form: nothing is planned before it. */
  earliest: string
  approvalRequired: boolean
  rights: { write: boolean; schedule: boolean; approve: boolean; comment: boolean; upload: boolean }
}

const librarySize = 24

/**
 * Everything the composer shows.
 * @param id the piece, or null for a new post
 * @param sent what was typed in a form that came back
 * @param local wall time that a new post begins with
 * @param account what a new post is for; one that is not there is ignored
 * @param media picture of the library that a new post begins with; one that is not there is ignored
 * @throws NotFound
 */
export async function readComposer(
  scope: Scope,
  id: string | null,
  workspace: { zone: string; approvalRequired: boolean },
  {
    sent,
    local = '',
    media = null,
    account = null,
  }: {
    sent?: Typed | undefined
    local?: string | undefined
    media?: string | null | undefined
    account?: string | null | undefined
  } = {},
): Promise<ComposerSheet> {
  const piece = id ? await readPiece(scope, id) : null
  const [accounts, jobs, kept, tags, [clock]] = await Promise.all([
    listAccounts(scope),
    piece ? listRows(scope, { contentId: piece.id, limit: 100 }) : { items: [] },
    may(scope.actor, 'content.write') && piece?.state !== 'archived'
      ? readDraft(scope, piece?.id ?? null)
      : null,
    listTags(scope),
    scope.sql`select public.clock() as now`,
  ])
  const begun = kept?.typed ?? fresh(piece, workspace.zone, accounts, { local, account })
  const typed = sent ?? (media && !piece ? await withPicture(scope, begun, media) : begun)
  const [pictures, library, comments, versions, decisions, recurrences, seal] = await Promise.all([
    findMedia(scope, typed.media, { removed: true }),
    listMedia(scope, { limit: librarySize }),
    piece ? listComments(scope, piece.id, { limit: 100 }) : { items: [] },
    piece ? listVersions(scope, piece.id, { limit: 4 }) : { items: [] },
    piece ? listDecisions(scope, piece.id, 20) : [],
    piece ? listRecurrences(scope, { content: piece.id, limit: 30 }) : { items: [] },
    piece ? readSeal(scope, piece.id) : null,
  ])
  const now = (clock?.now as Date | undefined) ?? new Date()
  return {
    piece,
    typed,
    draft:
      !sent && kept && (differs(kept.typed, piece) || altsDiffer(kept.typed, pictures))
        ? { at: kept.at }
        : null,
    overtaken:
      piece !== null && typed.version !== null && typed.version !== piece.version && differs(typed, piece),
    showings: accounts.map(account => show(account, typed, pictures)),
    pictures,
    firstPictures: partMedia(typed, 1),
    library: library.items.filter(({ id }) => !typed.media.includes(id)),
    jobs: jobs.items,
    recurrences: recurrences.items.filter(({ state }) => state === 'active'),
    comments: comments.items,
    versions: versions.items,
    decisions,
    seal,
    tags,
    zones: zones(),
    earliest: wallTime(now, workspace.zone).toPlainDateTime().toString({ smallestUnit: 'minute' }),
    approvalRequired: workspace.approvalRequired,
    rights: {
      write: may(scope.actor, 'content.write'),
      schedule: may(scope.actor, 'jobs.schedule'),
      approve: may(scope.actor, 'content.approve'),
      comment: may(scope.actor, 'content.comment'),
      upload: may(scope.actor, 'media.write'),
    },
  }
}

function fresh(
  piece: Piece | null,
  zone: string,
  accounts: readonly SocialAccount[],
  { local, account }: { local: string; account: string | null },
): Typed {
  if (piece) return typedFrom(piece, zone)
  const [only, second] = accounts.filter(({ id }) => account === null || id === account)
  return { ...blank(zone, local), accounts: only && !second ? [only.id] : [] }
}

/** Puts a picture of the library into what is typed, where it is not yet and there is room. */
async function withPicture(scope: Scope, typed: Typed, id: string): Promise<Typed> {
  const [picture] = await findMedia(scope, [id])
  if (!picture || typed.media.includes(picture.id) || typed.media.length >= limits.media) return typed
  return { ...typed, media: [...typed.media, picture.id] }
}

/** What an account would get of what is typed. */
export function show(account: SocialAccount, typed: Typed, pictures: readonly Media[]): Showing {
  const platform = platforms[account.platform]
  const given = wordsFor({ ...givenOf(typed), variants: givenOf(typed).variants.map(variantOf) }, account.id)
  const shown = (chosen: readonly string[]) =>
    pictures
      .filter(({ id }) => chosen.includes(id))
      .map(picture => ({ ...picture, alt: typed.alts[picture.id] ?? picture.alt }))
  const { text, images, thread, firstComment } = taken(
    {
      text: given.text,
      images: shown(given.media),
      thread: given.thread.map(part => ({ text: part.text, images: shown(part.media) })),
      firstComment: given.firstComment.trim() === '' ? '' : given.firstComment,
    },
    platform,
  )
  const nothing = text.trim() === '' && images.length + thread.length === 0
  const why = nothing ? null : misfit({ text, images, thread, firstComment }, account.limits, platform.name)
  return {
    account,
    picked: typed.accounts.includes(account.id),
    text,
    pictures: images,
    thread: thread.map(part => ({ text: part.text, pictures: part.images })),
    firstComment,
    own: given.own,
    problem: why ? `${why.message} ${why.next}` : null,
  }
}
