import type { Decision } from '../../src/approvals/find.ts'
import type { TimeWindow } from '../../src/approvals/window.ts'
import type { Passage } from '../../src/content/diff.ts'
import type { Piece } from '../../src/content/find.ts'
import type { Compared as Comparison } from '../../src/content/versions.ts'
import type { Frame } from '../../src/http/desk.ts'
import { WindowTimes } from '../approvals/window.tsx'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import {
  ActionButton,
  Buttons,
  Card,
  type IconName,
  Line,
  PageHead,
  Pager,
  StateMark,
  Time,
  Timeline,
  type Tone,
} from '../ui/index.tsx'
import { opening } from './words.ts'

const looks: Record<Decision['decision'], { tone: Tone; icon: IconName; words: string }> = {
  submitted: { tone: 'review', icon: 'folder-check', words: 'sent version {n} to review' },
  approved: { tone: 'published', icon: 'check-check', words: 'approved version {n}' },
  changes_requested: {
    tone: 'review',
    icon: 'message-square-warning',
    words: 'asked for changes to version {n}',
  },
  withdrawn: { tone: 'held', icon: 'undo-2', words: 'took version {n} back' },
}

/** How a decision stands in a timeline. */
export function decisionLook({ decision, version, by, sealBroken }: Decision): {
  tone: Tone
  icon: IconName
  title: string
} {
  if (sealBroken)
    return { tone: 'failed', icon: 'triangle-alert', title: `The seal of version ${version} broke` }
  const { tone, icon, words } = looks[decision]
  return { tone, icon, title: `${by?.name ?? 'Somebody who left'} ${words.replace('{n}', String(version))}` }
}

/** When an approved version may go out. */
export function DecidedWindow(given: { window: TimeWindow; zone: string }): Html {
  return (
    <>
      To go out <WindowTimes {...given} />.
    </>
  )
}

/** Who saved what and when, word by word, and what was decided in between. */
export function HistoryPage({
  frame,
  piece,
  compared,
  decisions,
  next,
}: {
  frame: Frame
  piece: Piece
  compared: readonly Comparison[]
  decisions: readonly Decision[]
  next: string | null
}): Html {
  const here = `/w/${frame.workspace.slug}/content/${piece.id}`
  const { zone } = frame.workspace
  const mayReturn = frame.canWrite && piece.state !== 'archived'
  return (
    <Layout {...frame} title={`History of ${opening(piece.text, 40)}`}>
      <PageHead
        back={{ href: here, label: opening(piece.text, 40) || 'The post' }}
        title="History"
        note={`${piece.version} ${piece.version === 1 ? 'version' : 'versions'}`}
        mark={<StateMark state={piece.state} />}
      />
      <div class="stack">
        {compared.map(({ version, passages, more }) => {
          const decided = decisions.filter(one => one.version === version.number)
          return (
            <Card
              id={`version-${version.number}`}
              title={`Version ${version.number}`}
              mark={version.number === piece.version && <small>what stands now</small>}
            >
              <p>
                <small>
                  <Line
                    parts={[
                      version.author?.name ?? 'Somebody who left',
                      <Time at={version.createdAt} zone={zone} />,
                      version.changes,
                    ]}
                  />
                </small>
              </p>
              <Compared passages={passages} first={version.number === 1} />
              {more.map(part => (
                <>
                  <p class="version-part">
                    <small>{part.name}</small>
                  </p>
                  <Compared passages={part.passages} first={version.number === 1} />
                </>
              ))}
              {decided.length > 0 && (
                <Timeline
                  label={`What was decided about version ${version.number}, newest first`}
                  moments={decided.map(decision => ({
                    ...decisionLook(decision),
                    at: <Time at={decision.at} zone={zone} />,
                    children: decision.window ? (
                      <DecidedWindow window={decision.window} zone={zone} />
                    ) : (
                      decision.note || null
                    ),
                  }))}
                />
              )}
              {mayReturn && version.number !== piece.version && (
                <Buttons>
                  <ActionButton
                    action={`${here}/versions/${version.number}/return`}
                    size="small"
                    icon="rotate-ccw"
                  >
                    Bring these words back
                  </ActionButton>
                </Buttons>
              )}
            </Card>
          )
        })}
      </div>
      <Pager next={next && `${here}/versions?cursor=${encodeURIComponent(next)}`} label="Earlier versions" />
    </Layout>
  )
}

/** A text with what was taken out struck through and what was put in underlined; long stretches that stayed are shortened. */
function Compared({ passages, first }: { passages: readonly Passage[]; first: boolean }): Html | null {
  if (passages.length === 0) return <p class="faint">No words</p>
  return (
    <p class="words" dir="auto">
      {passages.map(({ kind, text }, at) => {
        if (first) return text
        if (kind === 'added') return <ins>{text}</ins>
        if (kind === 'removed') return <del>{text}</del>
        return shortened(text, at === 0, at === passages.length - 1)
      })}
    </p>
  )
}

const context = 160

function shortened(text: string, first: boolean, last: boolean): string {
  const all = [...text]
  if (first && last) return all.length > 2 * context ? `${all.slice(0, 2 * context).join('')} …` : text
  if (all.length <= 2 * context + 40) return text
  const head = first ? '' : all.slice(0, context).join('')
  const tail = last ? '' : all.slice(-context).join('')
  return `${head} … ${tail}`
}
