import type { SocialAccount } from '../../src/accounts/find.ts'
import type { ComposerSheet } from '../../src/content/composer.ts'
import type { Back } from '../../src/content/composer-pages.ts'
import type { Frame } from '../../src/http/desk.ts'
import { AnswerBar, ReviewState } from '../approvals/answer.tsx'
import type { Html } from '../html.ts'
import {
  Block,
  Button,
  Buttons,
  Comment,
  Counter,
  FieldError,
  Form,
  PreviewThread,
  TextArea,
  Time,
  Timeline,
} from '../ui/index.tsx'
import { DecidedWindow, decisionLook } from './history.tsx'
import { JobsOfPiece } from './jobs.tsx'
import { BrokenSeal, IntactSeal } from './seal.tsx'
import { imagesOf, isWide } from './words.ts'

/** Beside the draft: what the review says, where it goes, how it will look, what others say, what was before. */
export function Aside({
  frame,
  sheet,
  here,
  comment,
  change,
  approve,
}: { frame: Frame; sheet: ComposerSheet; here: string } & Back): Html {
  const base = `/w/${frame.workspace.slug}`
  return (
    <>
      <ReviewState sheet={sheet} zone={frame.workspace.zone} />
      <BrokenSeal frame={frame} sheet={sheet} />
      <AnswerBar frame={frame} sheet={sheet} here={here} change={change} approve={approve} />
      <IntactSeal frame={frame} sheet={sheet} />
      {sheet.piece && <JobsOfPiece base={base} zone={frame.workspace.zone} jobs={sheet.jobs} />}
      <div id="previews" class="stack">
        <Previews base={base} sheet={sheet} />
      </div>
      <Conversation sheet={sheet} here={here} zone={frame.workspace.zone} comment={comment} />
      <Lately sheet={sheet} here={here} zone={frame.workspace.zone} />
    </>
  )
}

/** The post as each picked account would show it; before one is picked, as the first of them would. */
export function Previews({ base, sheet }: { base: string; sheet: ComposerSheet }): Html {
  const picked = sheet.showings.filter(({ picked }) => picked)
  const planned = sheet.showings.filter(({ account }) =>
    sheet.jobs.some(job => job.account.id === account.id),
  )
  const shown = picked.length > 0 ? picked : planned.length > 0 ? planned : sheet.showings.slice(0, 1)
  return (
    <>
      {shown.map(({ account, text, pictures, thread, firstComment, problem }) => (
        <div class={problem ? 'preview-bad field-bad stack' : 'stack'}>
          {problem && <FieldError>{problem}</FieldError>}
          <PreviewThread
            platform={account.platform}
            account={{ name: account.name, handle: account.handle }}
            text={text}
            images={imagesOf(base, pictures)}
            count={<PreviewCount account={account} text={text} />}
            parts={thread.map(part => ({
              text: part.text,
              images: imagesOf(base, part.pictures),
              note: <PreviewCount account={account} text={part.text} />,
            }))}
            comment={
              firstComment
                ? { text: firstComment, note: <PreviewCount account={account} text={firstComment} /> }
                : null
            }
          />
        </div>
      ))}
    </>
  )
}

function PreviewCount({ account, text }: { account: SocialAccount; text: string }): Html | null {
  if (isWide(account.limits)) return null
  return (
    <Counter text={text} limits={account.limits.text} field={`preview-${account.id}`} label={account.name} />
  )
}

export function Conversation({
  sheet,
  here,
  zone,
  comment,
}: {
  sheet: ComposerSheet
  here: string
  zone: string
  comment: Back['comment']
}): Html | null {
  if (!sheet.piece) return null
  const typed = comment?.values.text
  return (
    <Block title="Comments" id="comments">
      <div class="stack">
        {sheet.comments.length === 0 && <p class="faint">Nobody has said anything yet.</p>}
        {sheet.comments.map(({ id, author, text, createdAt }) => (
          <Comment
            id={`comment-${id}`}
            author={author?.name ?? 'Somebody who left'}
            at={<Time at={createdAt} zone={zone} />}
          >
            {text}
          </Comment>
        ))}
        {sheet.rights.comment && (
          <Form action={`${here}/comments`} guard id="comment-form">
            <TextArea
              name="text"
              id="f-comment"
              label="Your comment"
              rows="2"
              required
              value={typeof typed === 'string' ? typed : ''}
              error={comment?.errors.text ?? comment?.message}
              autofocus={comment !== undefined}
            />
            <Buttons>
              <Button icon="message-square">Comment</Button>
            </Buttons>
          </Form>
        )}
      </div>
    </Block>
  )
}

/** What was decided and saved lately; the whole of it is the history's page. */
export function Lately({
  sheet,
  here,
  zone,
}: {
  sheet: ComposerSheet
  here: string
  zone: string
}): Html | null {
  const { piece, versions, decisions } = sheet
  if (!piece) return null
  const moments = [
    ...versions.map(version => ({
      when: version.createdAt,
      moment: {
        at: <Time at={version.createdAt} zone={zone} />,
        tone: 'draft' as const,
        icon: 'pen-line' as const,
        title: `Version ${version.number}, ${version.author?.name ?? 'somebody who left'}`,
        children: version.changes,
      },
    })),
    ...decisions.map(decision => ({
      when: decision.at,
      moment: {
        ...decisionLook(decision),
        at: <Time at={decision.at} zone={zone} />,
        children: decision.window ? (
          <DecidedWindow window={decision.window} zone={zone} />
        ) : (
          decision.note || null
        ),
      },
    })),
  ]
    .sort((a, b) => b.when.localeCompare(a.when))
    .slice(0, 6)
  return (
    <Block title="Lately" more={{ href: `${here}/versions`, label: 'Whole history' }}>
      <Timeline label="What happened lately, newest first" moments={moments.map(({ moment }) => moment)} />
    </Block>
  )
}
