import type { ComposerSheet } from '../../src/content/composer.ts'
import type { Back } from '../../src/content/composer-pages.ts'
import type { Frame } from '../../src/http/desk.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import { RulesOfPiece } from '../recurrences/list.tsx'
import {
  ActionButton,
  Compose,
  Confirm,
  ErrorSummary,
  LinkButton,
  Notice,
  PageHead,
  Popover,
  SaveState,
  StateMark,
  Time,
} from '../ui/index.tsx'
import { Aside, Previews } from './aside.tsx'
import { Counters, DraftSheet } from './sheet.tsx'
import { CommentCounters, PartCounters } from './thread.tsx'
import { opening } from './words.ts'

/** Where one writes: the draft on the left, how it will look and what others say beside it. */
export function ComposerPage({
  frame,
  sheet,
  composer,
  generates,
  comment,
  change,
  approve,
}: { frame: Frame; sheet: ComposerSheet; generates: boolean } & Back): Html {
  const { piece, typed } = sheet
  const base = `/w/${frame.workspace.slug}`
  const here = `${base}/content/${piece?.id ?? 'new'}`
  const title = piece ? opening(piece.text, 60) || 'Pictures without words' : 'New post'
  return (
    <Layout {...frame} title={title}>
      <PageHead
        back={{ href: `${base}/content`, label: 'Content' }}
        title={title}
        mark={<StateMark state={piece?.state ?? 'draft'} />}
        note={<Saved sheet={sheet} zone={frame.workspace.zone} />}
        actions={piece && <More here={here} />}
      />
      {sheet.overtaken && <Overtaken sheet={sheet} here={here} />}
      {sheet.draft && (
        <Notice
          kind="info"
          title="These words are not saved yet"
          actions={
            <Confirm
              label="Discard"
              size="small"
              align="end"
              question={
                piece ? `Go back to version ${piece.version} as it was saved?` : 'Throw these words away?'
              }
              action={`${here}/draft/removal`}
              yes="Discard them"
            />
          }
        >
          You typed them on <Time at={sheet.draft.at} zone={frame.workspace.zone} />. Only you can see them.
        </Notice>
      )}
      <Compose
        aside={
          <Aside
            frame={frame}
            sheet={sheet}
            here={here}
            comment={comment}
            change={change}
            approve={approve}
          />
        }
      >
        <form
          method="post"
          action={here}
          enctype="multipart/form-data"
          id="composer"
          data-guard
          data-autosave
          autocomplete="off"
        >
          {composer && <ErrorSummary title={composer.message} errors={onFields(composer.errors)} />}
          {/* The first button of a form is the one that Enter presses: it must be the harmless one. */}
          <button type="submit" class="unseen" tabindex="-1">
            Save
          </button>
          <input type="hidden" name="version" value={piece ? String(piece.version) : ''} />
          <div
            hidden
            hx-post={`${here}/draft`}
            hx-trigger="autosave from:#composer"
            hx-target="#saved"
            hx-swap="innerHTML"
            hx-encoding="application/x-www-form-urlencoded"
            hx-sync="this:replace"
          />
          <DraftSheet
            frame={frame}
            sheet={sheet}
            here={here}
            generates={generates}
            errors={composer?.errors ?? {}}
          />
        </form>
        <RulesOfPiece base={base} recurrences={sheet.recurrences} />
      </Compose>
      {!piece && typed.text === '' && <span hidden data-new-post />}
    </Layout>
  )
}

/** Each message by its field; one that names no field stands in the title already. */
function onFields(errors: Readonly<Record<string, string>>): Record<string, string> {
  const named = Object.entries(errors).filter(([name]) => name !== '')
  return named.length > 0 ? Object.fromEntries(named) : { '': 'Nothing was lost: it all stands below.' }
}

function Saved({ sheet, zone }: { sheet: ComposerSheet; zone: string }): Html {
  const { piece } = sheet
  return (
    <SaveState>
      {piece ? (
        <>
          Version {piece.version} · {piece.savedBy?.name ?? 'Somebody'},{' '}
          <Time at={piece.savedAt} zone={zone} />
        </>
      ) : (
        'Not saved yet'
      )}
    </SaveState>
  )
}

function More({ here }: { here: string }): Html {
  return (
    <>
      <LinkButton href={`${here}/versions`} variant="quiet" icon="history">
        History
      </LinkButton>
      <Popover label="More" icon="ellipsis" iconOnly variant="quiet" align="end">
        <ActionButton action={`${here}/copies`} variant="quiet" icon="copy">
          Duplicate
        </ActionButton>
        <ActionButton action={`${here}/archive`} variant="quiet" icon="archive">
          Archive
        </ActionButton>
        <small class="faint">Archiving cancels what is planned of it. Nothing is erased.</small>
      </Popover>
    </>
  )
}

function Overtaken({ sheet, here }: { sheet: ComposerSheet; here: string }): Html {
  const { piece } = sheet
  return (
    <Notice
      kind="warn"
      title={`${piece?.savedBy?.name ?? 'Somebody'} saved version ${piece?.version ?? ''} while you wrote`}
      actions={
        <LinkButton href={`${here}/versions`} size="small" icon="history">
          See what changed
        </LinkButton>
      }
    >
      Your words stand below as you typed them. Saving makes them the newest version; the other one stays in
      the history.
    </Notice>
  )
}

/** What the autosave answers: when it was kept, and what follows from what was typed. */
export function DraftKept({
  at,
  sheet,
  workspace,
  changed,
}: {
  at: Date
  sheet: ComposerSheet
  workspace: { slug: string; zone: string }
  changed: boolean
}): Html {
  return (
    <>
      {changed ? (
        <>
          Kept for you at <Time at={at} zone={workspace.zone} shape="time" /> · not saved as a version yet
        </>
      ) : sheet.piece ? (
        `Version ${sheet.piece.version} · nothing to save`
      ) : (
        'Nothing to save yet'
      )}
      <hx-partial hx-target="#previews" hx-swap="innerHTML">
        <Previews base={`/w/${workspace.slug}`} sheet={sheet} />
      </hx-partial>
      <hx-partial hx-target=".sheet > .paper > .counters" hx-swap="innerHTML">
        <Counters sheet={sheet} />
      </hx-partial>
      {sheet.typed.parts.map((text, at) => (
        <hx-partial hx-target={`#part-${at + 2} .counters`} hx-swap="innerHTML">
          <PartCounters sheet={sheet} text={text} field={`f-part-${at + 2}`} />
        </hx-partial>
      ))}
      <hx-partial hx-target="#first-comment .counters" hx-swap="innerHTML">
        <CommentCounters sheet={sheet} />
      </hx-partial>
    </>
  )
}

export const DraftRefused = ({ why }: { why: string }): Html => <span class="failed">Not kept: {why}</span>
