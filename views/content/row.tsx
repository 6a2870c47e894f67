import type { Piece } from '../../src/content/find.ts'
import type { Plan } from '../../src/content/plans.ts'
import type { Media } from '../../src/media/find.ts'
import type { Html } from '../html.ts'
import { Icon, Line, platforms, Row, StateMark, Tags, Time } from '../ui/index.tsx'
import { opening, thumbnail } from './words.ts'

/** A piece as a line: its opening words, where it goes, who had it last. */
export function PieceRow({
  base,
  piece,
  plan,
  picture,
  zone,
  tagged,
}: {
  base: string
  piece: Piece
  plan: Plan | undefined
  picture: Media | undefined
  zone: string
  tagged: (tag: string) => string
}): Html {
  return (
    <Row
      href={`${base}/content/${piece.id}`}
      lead={
        picture ? (
          <img src={thumbnail(base, picture.id)} alt="" loading="lazy" />
        ) : (
          <span class="row-tile" aria-hidden="true" />
        )
      }
      title={opening(piece.text, 140) || 'Pictures without words'}
      meta={
        <>
          <Line
            parts={[
              plan && (
                <>
                  <span class="platforms-line">
                    {plan.platforms.map(platform => (
                      <Icon name={platforms[platform].icon} label={platforms[platform].name} />
                    ))}
                  </span>
                  <Time at={plan.at} zone={plan.zone} />
                </>
              ),
              <>
                {plan ? 'changed ' : ''}
                <Time at={piece.updatedAt} zone={zone} shape={plan ? 'day' : 'moment'} bare /> by{' '}
                <bdi>{piece.savedBy?.name ?? 'somebody who left'}</bdi>
              </>,
            ]}
          />
          <Tags tags={piece.tags.slice(0, 3)} href={tagged} />
        </>
      }
      mark={
        plan && piece.state !== 'archived' ? (
          <Marks piece={piece} plan={plan} />
        ) : (
          <StateMark state={piece.state} />
        )
      }
    />
  )
}

/** Where it stands: what became of it says more than that it was a draft once. */
function Marks({ piece, plan }: { piece: Piece; plan: Plan }): Html {
  const alsoReview = piece.state === 'in_review' || piece.state === 'changes_requested'
  return (
    <>
      <StateMark state={plan.state} />
      {alsoReview && (
        <>
          {' '}
          <StateMark state={piece.state} />
        </>
      )}
    </>
  )
}
