import type { ComposerSheet } from '../../src/content/composer.ts'
import type { Frame } from '../../src/http/desk.ts'
import type { SealSheet } from '../../src/publishing/seal-sheet.ts'
import { WindowTimes } from '../approvals/window.tsx'
import type { Html } from '../html.ts'
import { Changes, shortHash } from '../publishing/seal.tsx'
import { NeedCard, PlatformMark, Time } from '../ui/index.tsx'

/** What changed since the approval, where what would go out is no longer what was approved. */
export function BrokenSeal({ frame, sheet }: { frame: Frame; sheet: ComposerSheet }): Html | null {
  const { seal } = sheet
  if (seal?.state !== 'broken') return null
  const goesOn =
    sheet.piece?.state === 'approved' ||
    sheet.piece?.state === 'in_review' ||
    sheet.jobs.some(({ state }) => state === 'scheduled' || state === 'held')
  if (!goesOn)
    return (
      <details class="seal" id="seal">
        <summary>Changed since it was approved</summary>
        <Changes changes={seal.changes} />
        <Approval seal={seal} zone={frame.workspace.zone} />
      </details>
    )
  return (
    <NeedCard id="seal" state="changes_requested" kicker="The seal of the approval is broken">
      <p>Since it was approved:</p>
      <Changes changes={seal.changes} />
      {sheet.approvalRequired && <p>Nothing of it goes out until it is approved as it is now.</p>}
      <Approval seal={seal} zone={frame.workspace.zone} />
    </NeedCard>
  )
}

/** That what was approved is what goes out, with the hashes folded away. */
export function IntactSeal({ frame, sheet }: { frame: Frame; sheet: ComposerSheet }): Html | null {
  const { seal } = sheet
  if (seal?.state !== 'intact') return null
  return (
    <details class="seal" id="seal">
      <summary>
        Sealed as approved, for {seal.accounts.length} {seal.accounts.length === 1 ? 'account' : 'accounts'}
      </summary>
      <div class="stack">
        <Approval seal={seal} zone={frame.workspace.zone} />
        <dl class="hashes">
          {seal.accounts.map(({ accountId, platform, sha256 }) => (
            <div>
              <dt>
                <PlatformMark
                  platform={platform}
                  name={
                    sheet.showings.find(({ account }) => account.id === accountId)?.account.name ?? platform
                  }
                />
              </dt>
              <dd>
                <code class="hash" title={sha256}>
                  {shortHash(sha256)}
                </code>
              </dd>
            </div>
          ))}
        </dl>
      </div>
    </details>
  )
}

function Approval({ seal, zone }: { seal: SealSheet; zone: string }): Html {
  return (
    <small>
      Version {seal.version}, approved by {seal.by ?? 'somebody who has left'}
      {seal.at && (
        <>
          , <Time at={seal.at} zone={zone} />
        </>
      )}
      {seal.window && (
        <>
          , to go out <WindowTimes window={seal.window} zone={zone} />
        </>
      )}
    </small>
  )
}
