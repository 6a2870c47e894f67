import type { JobState } from '../../src/publishing/schema.ts'
import type { JobSheet } from '../../src/publishing/sheet.ts'
import { type Html, safeUrl } from '../html.ts'
import { Block, PlatformMark, Row, Rows, StateMark } from '../ui/index.tsx'
import { JobMark } from './rows.tsx'
import { firstWords } from './words.ts'

/** How far a thread has come: each part, and where it is. */
export function PartsOut({ sheet: { job, post } }: { sheet: JobSheet }): Html | null {
  const { thread } = job
  if (!thread) return null
  const parts = [post.text, ...post.thread.map(part => part.text)]
  const out = thread.out.length
  return (
    <Block
      title={out === thread.of ? `All ${thread.of} parts are out` : `${out} of ${thread.of} parts are out`}
    >
      {job.state === 'unconfirmed' && out + 1 < thread.of && (
        <p>
          It is part {out + 1} that may be there. “Send again” goes on from it; “It is there” ends the thread
          with it, and the parts after it are not sent.
        </p>
      )}
      <Rows>
        {parts.map((text, at) => {
          const there = thread.out[at]
          return (
            <Row
              href={there?.remoteUrl ? safeUrl(there.remoteUrl) : undefined}
              title={firstWords(text, 60) || 'Pictures without words'}
              meta={`Part ${at + 1}`}
              mark={
                there ? (
                  <StateMark state="published">out</StateMark>
                ) : (
                  <Waiting state={job.state} next={at === out} />
                )
              }
            />
          )
        })}
      </Rows>
    </Block>
  )
}

/** A part that is not known to be out; `next`: the first of them, which the job's own state is about. */
function Waiting({ state, next }: { state: JobState; next: boolean }): Html {
  if (next && (state === 'failed' || state === 'unconfirmed' || state === 'publishing'))
    return <StateMark state={state} />
  const goesOn = state === 'scheduled' || state === 'publishing' || state === 'held'
  return <StateMark state="draft">{goesOn ? 'to come' : 'not sent'}</StateMark>
}

/** What became of the first comment, apart from the post. */
export function FirstComment({ base, sheet }: { base: string; sheet: JobSheet }): Html | null {
  const comment = sheet.firstComment
  if (!comment) return null
  return (
    <Block title="First comment">
      <Rows>
        <Row
          href={`${base}/publish-jobs/${comment.id}`}
          title={firstWords(comment.text, 60)}
          meta={<PlatformMark platform={comment.account.platform} name={comment.account.name} />}
          mark={<JobMark job={comment} />}
        />
      </Rows>
    </Block>
  )
}
