import type { ComposerSheet } from '../../src/content/composer.ts'
import type { Back } from '../../src/content/composer-pages.ts'
import type { Piece } from '../../src/content/find.ts'
import type { Frame } from '../../src/http/desk.ts'
import type { Rejected } from '../../src/http/form.ts'
import type { Html } from '../html.ts'
import { ActionBar, ActionButton, Button, NeedCard, TextArea, Time } from '../ui/index.tsx'
import { ApproveWithin, WindowTimes } from './window.tsx'

/** What a reviewer asked for, while it is still to be done. */
export function ReviewState({ sheet, zone }: { sheet: ComposerSheet; zone: string }): Html | null {
  const { piece, decisions } = sheet
  const last = decisions.find(({ decision }) => decision === 'changes_requested')
  if (piece?.state !== 'changes_requested' || !last) return null
  return (
    <NeedCard state="changes_requested" kicker={`${last.by?.name ?? 'A reviewer'} asks for changes`}>
      <p class="words" dir="auto">
        {last.note}
      </p>
      <small>
        About version {last.version}, <Time at={last.at} zone={zone} />
      </small>
    </NeedCard>
  )
}

/** Whether one began the piece or saved the version that is looked at. */
const isOwn = (piece: Piece, userId: string): boolean =>
  piece.createdBy?.id === userId || piece.savedBy?.id === userId

/** The buttons of a review, as the reader's role and the piece's state allow; nothing where there is nothing to do. */
export function AnswerBar({
  frame,
  sheet,
  here,
  change,
  approve,
}: {
  frame: Frame
  sheet: ComposerSheet
  here: string
} & Pick<Back, 'change' | 'approve'>): Html | null {
  const { piece, rights, seal } = sheet
  const { zone } = frame.workspace
  if (!piece) return null
  if (piece.state === 'in_review' && rights.approve)
    return (
      <Answers
        piece={piece}
        user={frame.user}
        here={here}
        workspace={frame.workspace}
        change={change}
        approve={approve}
      />
    )
  if (piece.state === 'in_review' && rights.write)
    return (
      <NeedCard
        state="in_review"
        kicker="It waits for review"
        actions={
          <ActionButton action={`${here}/submission/removal`} size="small" icon="undo-2">
            Take it back
          </ActionButton>
        }
      >
        A reviewer or an editor answers. You can still change it until then.
      </NeedCard>
    )
  if (piece.state === 'approved' && rights.approve)
    return (
      <NeedCard
        state="approved"
        kicker={`Version ${piece.version} is approved`}
        actions={
          <ActionButton action={`${here}/approval/removal`} size="small" variant="quiet" icon="undo-2">
            Take the approval back
          </ActionButton>
        }
      >
        {seal?.window && (
          <p>
            It may go out <WindowTimes window={seal.window} zone={zone} />.
          </p>
        )}
      </NeedCard>
    )
  return null
}

/** Approve, or ask for changes with a note. `at="review"` leads back to the list of what waits. */
export function Answers({
  piece,
  user,
  here,
  workspace,
  change,
  approve,
  at = 'piece',
}: {
  piece: Piece
  user: Frame['user']
  here: string
  workspace: Frame['workspace']
  change?: Rejected | undefined
  approve?: Rejected | undefined
  at?: 'review' | 'piece' | undefined
}): Html {
  const own = isOwn(piece, user.id) && user.role !== 'owner' && user.role !== 'admin'
  const note = change?.values.note
  const fields = { version: String(piece.version), _at: at }
  return (
    <>
      {own && (
        <small>
          You wrote this yourself, so somebody else approves it.{' '}
          <a class="link" href={here}>
            Open it
          </a>{' '}
          to change it or take it back.
        </small>
      )}
      <ActionBar>
        {!own && (
          <ActionButton action={`${here}/approval`} fields={fields} variant="main" size="large" icon="check">
            Approve
          </ActionButton>
        )}
        <details class="popover popover-start answer" data-popover open={Boolean(change)}>
          <summary class="btn btn-plain btn-large">Ask for changes</summary>
          <form class="popover-panel" method="post" action={`${here}/change-request`} data-guard>
            <input type="hidden" name="_at" value={at} />
            <TextArea
              name="note"
              id={`f-note-${piece.id}`}
              label="What should change?"
              rows="3"
              required
              value={typeof note === 'string' ? note : ''}
              error={change?.errors.note ?? change?.message}
              autofocus={change !== undefined}
            />
            <div class="buttons">
              <Button variant="main" icon="message-square-warning">
                Send it back
              </Button>
            </div>
          </form>
        </details>
        {!own && workspace.approvalRequired && (
          <ApproveWithin
            action={`${here}/approval`}
            fields={fields}
            zone={workspace.zone}
            id={piece.id}
            rejected={approve}
          />
        )}
      </ActionBar>
    </>
  )
}
