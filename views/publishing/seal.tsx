import type { ReadBack } from '../../src/publishing/schema.ts'
import type { JobSeal } from '../../src/publishing/seal-sheet.ts'
import { WindowTimes } from '../approvals/window.tsx'
import type { Html } from '../html.ts'
import { Block, LinkButton, Mark, Meta, Time } from '../ui/index.tsx'

/** The beginning of a hash: enough to tell two apart at a glance. */
export const shortHash = (sha256: string): string => sha256.slice(0, 12)

/** A hash, short, with the whole of it for whoever hovers. */
export function Hash({ sha256 }: { sha256: string }): Html {
  return (
    <code class="hash" title={sha256}>
      {shortHash(sha256)}
    </code>
  )
}

const begin = (sentence: string): string => sentence.charAt(0).toUpperCase() + sentence.slice(1)

/** What changed since an approval, one a line. */
export function Changes({ changes }: { changes: readonly string[] }): Html {
  return (
    <ul class="changes">
      {changes.map(change => (
        <li dir="auto">{begin(change)}.</li>
      ))}
    </ul>
  )
}

/** How a post was found where it stands, in a few words with their shape. */
export function ReadBackMark({ back }: { back: ReadBack }): Html {
  const { tone, icon, words } = looks[back.state]
  return (
    <Mark tone={tone} icon={icon}>
      {words}
    </Mark>
  )
}

const looks = {
  waiting: { tone: 'held', icon: 'clock', words: 'Not yet' },
  same: { tone: 'published', icon: 'check-check', words: 'Exactly as sent' },
  explained: { tone: 'published', icon: 'check', words: 'It says what was sent' },
  different: { tone: 'unsure', icon: 'triangle-alert', words: 'It differs from what was sent' },
  unread: { tone: 'held', icon: 'circle-question-mark', words: 'It could not be read' },
} as const

/** What was found otherwise, one a line. */
export function Findings({ back }: { back: ReadBack }): Html | null {
  if (back.findings.length === 0) return null
  return (
    <ul class="changes">
      {back.findings.map(({ words }) => (
        <li dir="auto">{words}</li>
      ))}
    </ul>
  )
}

/** A job's seal and how it was read back; nothing where there is neither. */
export function Assurance({
  seal,
  back,
  zone,
  receipt,
}: {
  seal: JobSeal
  back: ReadBack | null
  zone: string
  /** Where the receipt is, once there is one. */
  receipt: string | null
}): Html | null {
  if (seal.state === 'none' && !back && !receipt) return null
  const broken = seal.state === 'broken'
  return (
    <Block title="Proof" id="seal">
      <div class="stack">
        <Meta
          items={[
            {
              term: 'Seal',
              value: seal.sha256 && (
                <>
                  {broken ? (
                    <Mark tone="failed" icon="triangle-alert">
                      Broken
                    </Mark>
                  ) : (
                    <Mark tone="published" icon="lock">
                      {seal.sent ? 'As approved' : 'Intact'}
                    </Mark>
                  )}{' '}
                  <Hash sha256={seal.sha256} />
                  {broken && <Changes changes={seal.changes} />}
                </>
              ),
            },
            {
              term: 'Approved',
              value: seal.at && (
                <>
                  {seal.by ?? 'Somebody who has left'}, <Time at={seal.at} zone={zone} />
                </>
              ),
            },
            {
              term: seal.sent ? 'Approved for' : 'May go out',
              value: seal.window && <WindowTimes window={seal.window} zone={zone} />,
            },
            {
              term: broken ? (seal.sent ? 'Sent' : 'Now') : 'Sent',
              value: (broken || (seal.sent && !seal.sha256)) && <Hash sha256={seal.payload.sha256} />,
            },
            {
              term: 'Read back',
              value: back && (
                <>
                  <ReadBackMark back={back} />
                  <Findings back={back} />
                </>
              ),
            },
          ]}
        />
        {receipt && (
          <div class="buttons">
            <LinkButton href={receipt} icon="file-text">
              Receipt
            </LinkButton>
          </div>
        )}
      </div>
    </Block>
  )
}
