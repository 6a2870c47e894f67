import type { TimeWindow } from '../../src/approvals/window.ts'
import type { Frame } from '../../src/http/desk.ts'
import { platforms } from '../../src/platforms/index.ts'
import { taken } from '../../src/platforms/parts.ts'
import type { PostDraft } from '../../src/publishing/post.ts'
import type { Receipt } from '../../src/publishing/receipt.ts'
import { type Html, safeUrl } from '../html.ts'
import { Layout } from '../layout.tsx'
import { Block, Mark, Meta, PageHead, PlatformMark } from '../ui/index.tsx'
import { Changes, Findings, ReadBackMark } from './seal.tsx'
import { firstWords, span } from './words.ts'

/** What went out, where, when and on whose word: to look at, to print, and to keep as a PDF. */
export function ReceiptPage({ frame, receipt }: { frame: Frame; receipt: Receipt }): Html {
  const { workspace } = frame
  const base = `/w/${workspace.slug}`
  const { account } = receipt
  const post = taken(receipt.post, platforms[account.platform])
  const title = firstWords(post.text, 70) || 'A post without words'
  return (
    <Layout {...frame} title={`Receipt: ${title}`}>
      <PageHead
        back={{ href: `${base}/publish-jobs/${receipt.jobId}`, label: 'The post' }}
        title="Receipt"
        note="To keep it as a PDF, print this page."
      />
      <article class="receipt">
        <header class="receipt-head">
          <p class="receipt-name" dir="auto">
            {workspace.name}
          </p>
          <p>
            Receipt of a post on <PlatformMark platform={account.platform} name={account.name} />
          </p>
        </header>
        {[post, ...post.thread].map((part, at) => (
          <Part base={base} part={part} name={post.thread.length > 0 ? `Part ${at + 1}` : null} />
        ))}
        {post.firstComment !== '' && (
          <Part base={base} part={{ text: post.firstComment, images: [] }} name="First comment" />
        )}
        <Facts receipt={receipt} zone={workspace.zone} />
        <Check receipt={receipt} />
        <footer class="receipt-foot">
          Issued by Masthead, <Exact at={receipt.issuedAt} zone={workspace.zone} />
        </footer>
      </article>
    </Layout>
  )
}

/** The words and pictures of one part. `name` where there are several. */
function Part(of: { base: string; part: Pick<PostDraft, 'text' | 'images'>; name: string | null }): Html {
  const { base, part, name } = of
  return (
    <>
      {name && <p class="faint">{name}</p>}
      <blockquote class="receipt-words words" dir="auto">
        {part.text || 'No words'}
      </blockquote>
      {part.images.length > 0 && (
        <ul class="receipt-pictures">
          {part.images.map(({ id, alt, width, height }) => (
            <li>
              <img src={`${base}/media/${id}/file?size=thumbnail`} alt="" width={width} height={height} />
              <small dir="auto">{alt || 'No alt text'}</small>
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

const exact = { dateStyle: 'full', timeStyle: 'long' } as const

/** `Friday 27 November 2026 at 09:00:00 CET (Europe/Berlin)`: a moment that stands on paper for itself. */
function Exact({ at, zone }: { at: string; zone: string }): Html {
  const words = new Intl.DateTimeFormat('en-GB', { ...exact, timeZone: zone }).format(new Date(at))
  return (
    <time datetime={new Date(at).toISOString()}>
      {words} <span class="zone">({zone})</span>
    </time>
  )
}

const left = 'somebody who has left'

function Facts({ receipt, zone }: { receipt: Receipt; zone: string }): Html {
  const { planned, published, version, approval, account, seal, readBack } = receipt
  const late = published.late >= 1 ? `${span(published.late)} after its time` : 'within a second of its time'
  return (
    <Meta
      items={[
        { term: 'Planned for', value: <Exact at={planned.at} zone={planned.zone} /> },
        {
          term: published.saidBy ? 'Found there' : 'Went out',
          value: (
            <>
              <Exact at={published.at} zone={planned.zone} />
              <br />
              <small>
                {published.saidBy
                  ? `by ${published.saidBy}; when exactly it went out, nobody saw`
                  : `${late}${receipt.attempts > 1 ? `, after ${receipt.attempts} attempts` : ''}`}
              </small>
            </>
          ),
        },
        {
          term: 'Account',
          value: (
            <>
              {account.name}
              {account.handle !== account.name && ` · ${account.handle}`}
            </>
          ),
        },
        {
          term: 'Address',
          value: published.address && (
            <a href={safeUrl(published.address)} rel="noreferrer" target="_blank">
              {published.address}
            </a>
          ),
        },
        { term: 'Id there', value: published.remoteId && <span class="unbroken">{published.remoteId}</span> },
        {
          term: 'Written by',
          value: (
            <>
              {version.savedBy ?? left}
              {version.begunBy !== version.savedBy && `, begun by ${version.begunBy ?? left}`}
              <br />
              <small>
                Version {version.number}, <Exact at={version.savedAt} zone={zone} />
              </small>
            </>
          ),
        },
        {
          term: 'Approved by',
          value: approval ? (
            <>
              {approval.by ?? left}
              <br />
              <small>
                <Exact at={approval.at} zone={zone} />
              </small>
            </>
          ) : (
            'Nobody: no approval was given for this version'
          ),
        },
        {
          term: 'Approved for',
          value: seal?.window && <Window window={seal.window} zone={zone} />,
        },
        { term: 'Planned by', value: planned.by },
        {
          term: 'Seal',
          value: seal && (
            <>
              {seal.kept ? (
                <Mark tone="published" icon="lock">
                  It went out exactly as it was approved
                </Mark>
              ) : (
                <>
                  <Mark tone="failed" icon="triangle-alert">
                    It went out otherwise than approved
                  </Mark>
                  <Changes changes={seal.changes} />
                </>
              )}
              <br />
              <code class="hash">{seal.sha256}</code>
            </>
          ),
        },
        {
          term: 'Read back',
          value: readBack ? (
            <>
              <ReadBackMark back={readBack} />
              <Findings back={readBack} />
              {readBack.at && (
                <p>
                  <small>
                    <Exact at={readBack.at} zone={planned.zone} />
                  </small>
                </p>
              )}
            </>
          ) : published.saidBy && !published.remoteId ? (
            'Not possible: its id there is not known'
          ) : (
            'This network does not let us read it back'
          ),
        },
      ]}
    />
  )
}

/** The time that it was approved for, each end as exactly as the other moments. */
function Window({ window: { from, until }, zone }: { window: TimeWindow; zone: string }): Html {
  return (
    <>
      {from && (
        <>
          From <Exact at={from} zone={zone} />
        </>
      )}
      {from && until && <br />}
      {until && (
        <>
          Before <Exact at={until} zone={zone} />
        </>
      )}
    </>
  )
}

/** How anybody can make the hash again. */
function Check({ receipt: { sent, post, jobId } }: { receipt: Receipt }): Html {
  if (!sent) return <p class="faint">What went out was not kept: it went out before Masthead did so.</p>
  return (
    <Block title="Check it yourself">
      <div class="stack">
        <p>
          This is, byte for byte, what was handed over: canonical JSON (RFC 8785), without a line break at its
          end. Its SHA-256 is <code class="hash">{sent.sha256}</code>. Each picture in it is named by the
          SHA-256 of its file.
        </p>
        <pre class="receipt-payload" tabindex="0">
          {sent.payload}
        </pre>
        <p>The same by the API, with the hash made anew:</p>
        <pre class="receipt-payload">
          {`curl -s -H "Authorization: Bearer $KEY" …/api/v1/publish-jobs/${jobId}/receipt | jq -j .sent.payload | sha256sum`}
          {post.images.length > 0 &&
            `\ncurl -s -H "Authorization: Bearer $KEY" …/api/v1/media/${post.images[0]?.id}/file | sha256sum`}
        </pre>
      </div>
    </Block>
  )
}
