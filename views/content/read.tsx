import type { ComposerSheet } from '../../src/content/composer.ts'
import type { Back } from '../../src/content/composer-pages.ts'
import type { Frame } from '../../src/http/desk.ts'
import { AnswerBar, ReviewState } from '../approvals/answer.tsx'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import { ActionButton, Columns, LinkButton, Notice, PageHead, StateMark, Tags, Time } from '../ui/index.tsx'
import { Conversation, Lately, Previews } from './aside.tsx'
import { JobsOfPiece } from './jobs.tsx'
import { BrokenSeal, IntactSeal } from './seal.tsx'
import { opening } from './words.ts'

/** A piece for those who do not write it: how it looks, the answer, the conversation. */
export function ReadPage({
  frame,
  sheet,
  comment,
  change,
  approve,
}: { frame: Frame; sheet: ComposerSheet } & Back): Html {
  const { piece, rights } = sheet
  const base = `/w/${frame.workspace.slug}`
  const here = `${base}/content/${piece?.id ?? ''}`
  const { zone } = frame.workspace
  const title = opening(piece?.text ?? '', 60) || 'Pictures without words'
  return (
    <Layout {...frame} title={title}>
      <PageHead
        back={
          piece?.state === 'in_review' && rights.approve
            ? { href: `${base}/review`, label: 'Review' }
            : { href: `${base}/content`, label: 'Content' }
        }
        title={title}
        mark={piece && <StateMark state={piece.state} />}
        note={
          piece && (
            <>
              Version {piece.version} · {piece.savedBy?.name ?? 'Somebody'},{' '}
              <Time at={piece.savedAt} zone={zone} />
            </>
          )
        }
        actions={
          <LinkButton href={`${here}/versions`} variant="quiet" icon="history">
            History
          </LinkButton>
        }
      />
      {piece?.state === 'archived' && (
        <Notice
          kind="info"
          title="This is in the archive"
          actions={
            rights.write && (
              <ActionButton action={`${here}/restoration`} icon="rotate-ccw">
                Restore
              </ActionButton>
            )
          }
        >
          It is out of the lists, and nothing of it is planned any more. Restored, it is a draft again.
        </Notice>
      )}
      <Columns
        aside={
          <div class="column">
            <Conversation sheet={sheet} here={here} zone={zone} comment={comment} />
            <Lately sheet={sheet} here={here} zone={zone} />
          </div>
        }
      >
        <div class="stack">
          <ReviewState sheet={sheet} zone={zone} />
          <BrokenSeal frame={frame} sheet={sheet} />
          <Previews base={base} sheet={sheet} />
          {sheet.pictures.some(({ alt }) => alt) && (
            <ul class="stack">
              {sheet.pictures.map(({ alt }, at) => (
                <li>
                  <small dir="auto">
                    Picture {at + 1}: {alt || 'no alt text yet'}
                  </small>
                </li>
              ))}
            </ul>
          )}
          <Tags tags={piece?.tags ?? []} href={tag => `${base}/content?tag=${encodeURIComponent(tag)}`} />
          <AnswerBar frame={frame} sheet={sheet} here={here} change={change} approve={approve} />
          <IntactSeal frame={frame} sheet={sheet} />
        </div>
        <JobsOfPiece base={base} zone={zone} jobs={sheet.jobs} />
      </Columns>
    </Layout>
  )
}
