import type { ComposerSheet } from '../../src/content/composer.ts'
import type { Frame } from '../../src/http/desk.ts'
import type { Html } from '../html.ts'
import { Changes, shortHash } from '../publishing/seal.tsx'
import { NeedCard, PlatformMark, Time } from '../ui/index.tsx'

/** Whether what was approved is still what would go out; what changed since where it is not. */
export function SealOf({ frame, sheet }: { frame: Frame; sheet: ComposerSheet }): Html | null {
  const { seal } = sheet
  const { zone } = frame.workspace
  if (!seal?.at || seal.state === 'none') return null
  const approval = (
    <small>
      Version {seal.version}, approved by {seal.by ?? 'somebody who has left'},{' '}
      <Time at={seal.at} zone={zone} />
    </small>
  )
  const goesOn =
    sheet.piece?.state === 'approved' ||
    sheet.piece?.state === 'in_review' ||
    sheet.jobs.some(({ state }) => state === 'scheduled' || state === 'held')
  if (seal.state === 'broken' && !goesOn)
    return (
      <details class="seal" id="seal">
        <summary>Changed since it was approved</summary>
        <Changes changes={seal.changes} />
        {approval}
      </details>
    )
  if (seal.state === 'broken')
    return (
      <NeedCard id="seal" state="changes_requested" kicker="The seal of the approval is broken">
        <p>Since it was approved:</p>
        <Changes changes={seal.changes} />
        {sheet.approvalRequired && <p>Nothing of it goes out until it is approved as it is now.</p>}
        {approval}
      </NeedCard>
    )
  return (
    <details class="seal" id="seal">
      <summary>
        Sealed as approved, for {seal.accounts.length} {seal.accounts.length === 1 ? 'account' : 'accounts'}
      </summary>
      <div class="stack">
        {approval}
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
