import type { SocialAccount } from '../../src/accounts/find.ts'
import type { Waiting } from '../../src/approvals/find.ts'
import type { Comment as Said } from '../../src/content/comments.ts'
import { type Words, wordsFor } from '../../src/content/schema.ts'
import type { Frame } from '../../src/http/desk.ts'
import type { Rejected } from '../../src/http/form.ts'
import type { Media } from '../../src/media/find.ts'
import { platforms } from '../../src/platforms/index.ts'
import { taken } from '../../src/platforms/parts.ts'
import type { JobRow } from '../../src/publishing/rows.ts'
import { imagesOf, opening } from '../content/words.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import {
  Card,
  Comment,
  EmptyState,
  Line,
  LinkButton,
  Meta,
  Notice,
  PageHead,
  PlatformMark,
  PreviewThread,
  Time,
} from '../ui/index.tsx'
import { Answers } from './answer.tsx'

export type WaitingCard = Waiting & { jobs: readonly JobRow[]; comment: Said | null }

interface ReviewProps {
  frame: Frame
  /** The longest waiting first. */
  waiting: readonly WaitingCard[]
  all: number
  accounts: readonly SocialAccount[]
  pictures: readonly Media[]
  mayApprove: boolean
  /** Whose answer came back, and which. */
  back?: { id: string; change?: Rejected; approve?: Rejected } | undefined
}

/** What waits for a review, each with its answer inside. */
export function ReviewPage(props: ReviewProps): Html {
  const { frame, waiting, all } = props
  const base = `/w/${frame.workspace.slug}`
  return (
    <Layout {...frame} title="Review">
      <PageHead
        title="Review"
        note={
          all === 0
            ? undefined
            : `${all} ${all === 1 ? 'post waits' : 'posts wait'}, the longest waiting first`
        }
      />
      {waiting.length === 0 ? (
        <EmptyState
          icon="folder-check"
          title="Nothing waits for a review"
          action={<LinkButton href={`${base}/content`}>Look at all content</LinkButton>}
        >
          When somebody sends a post to review, it stands here with the answer beside it.
        </EmptyState>
      ) : (
        <div class="stack reviews">
          {waiting.map((card, at) => (
            <WaitingPiece {...props} card={card} place={`${at + 1} of ${all}`} base={base} />
          ))}
          {all > waiting.length && (
            <Notice>The next ones come as soon as you have answered some of these.</Notice>
          )}
        </div>
      )}
    </Layout>
  )
}

function WaitingPiece({
  frame,
  card,
  place,
  base,
  accounts,
  pictures,
  mayApprove,
  all,
  back,
}: ReviewProps & { card: WaitingCard; place: string; base: string }): Html {
  const { piece, askedBy, askedAt, jobs, comment } = card
  const { zone } = frame.workspace
  const here = `${base}/content/${piece.id}`
  return (
    <Card
      id={`piece-${piece.id}`}
      title={<a href={here}>{opening(piece.text, 60) || 'Pictures without words'}</a>}
      mark={all > 1 && <small class="num">{place}</small>}
    >
      <div class="review-card">
        <AsShown card={card} base={base} accounts={accounts} pictures={pictures} />
        <div class="review-side">
          <Meta
            items={[
              {
                term: 'Asked by',
                value: (
                  <>
                    <bdi>{askedBy?.name ?? 'Somebody who left'}</bdi>
                    <small>
                      <Line parts={[<Time at={askedAt} zone={zone} />, `version ${piece.version}`]} />
                    </small>
                  </>
                ),
              },
              { term: 'Goes to', value: jobs.length > 0 && <Goes jobs={jobs} /> },
            ]}
          />
          {comment && (
            <Comment
              author={comment.author?.name ?? 'Somebody who left'}
              at={<Time at={comment.createdAt} zone={zone} />}
            >
              {comment.text}
            </Comment>
          )}
          {mayApprove && (
            <Answers
              piece={piece}
              user={frame.user}
              here={here}
              at="review"
              workspace={frame.workspace}
              change={back?.id === piece.id ? back.change : undefined}
              approve={back?.id === piece.id ? back.approve : undefined}
            />
          )}
          <p class="review-more">
            <a class="link" href={`${here}#comments`}>
              Comment on it, see its history
            </a>
          </p>
        </div>
      </div>
    </Card>
  )
}

/** Where and when it is planned: the moment once, where all accounts get it together. */
function Goes({ jobs }: { jobs: readonly JobRow[] }): Html {
  return (
    <ul class="review-goes">
      {jobs.map((job, at) => {
        const next = jobs[at + 1]
        const shared = next && next.zone === job.zone && next.runAt.getTime() === job.runAt.getTime()
        return (
          <li>
            <PlatformMark platform={job.account.platform} name={job.account.name} />
            {!shared && (
              <small>
                <Time at={job.runAt} zone={job.zone} />
              </small>
            )}
          </li>
        )
      })}
    </ul>
  )
}

/** A piece with its pictures, as one account's platform takes it. */
function shownFor(piece: Words, account: SocialAccount, pictures: readonly Media[]) {
  const { text, media, thread, firstComment } = wordsFor(piece, account.id)
  const found = (ids: readonly string[]) => ids.flatMap(id => pictures.filter(picture => picture.id === id))
  return taken(
    {
      text,
      images: found(media),
      thread: thread.map(part => ({ text: part.text, images: found(part.media) })),
      firstComment,
    },
    platforms[account.platform],
  )
}

/** As each account that gets other words shows it; where all get the same, once. */
function AsShown({
  card,
  base,
  accounts,
  pictures,
}: {
  card: WaitingCard
  base: string
  accounts: readonly SocialAccount[]
  pictures: readonly Media[]
}): Html {
  const { piece, jobs } = card
  const planned = accounts.filter(({ id }) => jobs.some(job => job.account.id === id))
  const own = accounts.filter(({ id }) => wordsFor(piece, id).own)
  const common =
    planned.find(({ id }) => !wordsFor(piece, id).own) ?? accounts.find(({ id }) => !wordsFor(piece, id).own)
  const shown = [...(common ? [common] : []), ...own]
  return (
    <div class="stack">
      {shown.map(account => {
        const { text, images, thread, firstComment } = shownFor(piece, account, pictures)
        return (
          <>
            <PreviewThread
              platform={account.platform}
              account={{ name: account.name, handle: account.handle }}
              text={text}
              images={imagesOf(base, images)}
              parts={thread.map(part => ({ text: part.text, images: imagesOf(base, part.images) }))}
              comment={firstComment ? { text: firstComment } : null}
            />
            {[...images, ...thread.flatMap(part => part.images)].map(({ alt }, at) => (
              <small dir="auto">
                Picture {at + 1}: {alt || 'no alt text yet'}
              </small>
            ))}
          </>
        )
      })}
    </div>
  )
}
