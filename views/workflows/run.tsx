import type { Frame } from '../../src/http/desk.ts'
import type { Media } from '../../src/media/find.ts'
import type { Run, Workflow } from '../../src/workflows/schema.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import { ActionButton, Columns, LinkButton, Meta, PageHead, Raw, Time } from '../ui/index.tsx'
import { Drawing } from './drawing.tsx'
import { RunMark, readable } from './run-mark.tsx'
import { NextTry, Trouble } from './trouble.tsx'

export interface ShownRun {
  run: Run
  /** The picture it made, while it is in the library. */
  media: Media | null
  /** The workflow it is a run of. */
  workflow: Workflow | null
}

const ended = (run: Run): boolean => run.state === 'succeeded' || run.state === 'failed'

/** One run: how far it is, then what came of it. */
export function RunPage({ frame, ...shown }: ShownRun & { frame: Frame }): Html {
  const { run, workflow } = shown
  const { slug, zone } = frame.workspace
  const base = `/w/${slug}`
  const drawing = run.kind === 'comfyui'
  return (
    <Layout {...frame} title={drawing ? 'Generated picture' : `Run of ${workflow?.name ?? 'a workflow'}`}>
      <PageHead
        title={drawing ? 'Generated picture' : 'One run'}
        back={
          workflow
            ? { href: `${base}/workflows/${workflow.id}`, label: workflow.name }
            : { href: `${base}/media`, label: 'Media' }
        }
        note={
          <>
            Asked for <Time at={run.createdAt} zone={zone} />
          </>
        }
      />
      <Columns aside={<Wish run={run} />}>
        <div aria-live="polite">{runProgress({ base, zone, ...shown }).fragment}</div>
      </Columns>
    </Layout>
  )
}

/** The part that changes by itself, and a sign by which the next poll tells whether it has changed. */
export function runProgress({ base, zone, run, media }: ShownRun & { base: string; zone: string }): {
  fragment: Html
  seen: string
} {
  const body = (
    <>
      <p>
        <RunMark run={run} />
      </p>
      {run.kind === 'comfyui' ? (
        <Drawing base={base} zone={zone} run={run} media={media} />
      ) : (
        <Call base={base} zone={zone} run={run} />
      )}
    </>
  )
  const seen = Bun.hash(body.markup).toString(36)
  const soon = run.nextTryAt === null || Date.parse(run.nextTryAt) - Date.now() < 60_000
  const poll = ended(run)
    ? {}
    : {
        'hx-get': `${base}/runs/${run.id}/progress?seen=${seen}`,
        'hx-trigger': soon ? 'every 1s' : 'every 5s',
        'hx-swap': 'outerHTML',
      }
  const fragment = (
    <div class="form" id="progress" {...poll}>
      {body}
      {!ended(run) && (
        <noscript>
          <LinkButton href={`${base}/runs/${run.id}`} variant="quiet" icon="refresh-cw">
            Look again
          </LinkButton>
        </noscript>
      )}
    </div>
  )
  return { fragment, seen }
}

function Call({ base, zone, run }: { base: string; zone: string; run: Run }): Html {
  return (
    <>
      <Trouble run={run} />
      {run.state === 'succeeded' && <p>{run.outcome}</p>}
      {run.state === 'waiting' && run.tries === 0 && <p>It is called within a second.</p>}
      {run.state === 'running' && <p>n8n is being called.</p>}
      <NextTry run={run} zone={zone} />
      {run.state === 'succeeded' && (
        <Raw label="What n8n answered" open>
          {readable(run.answer)}
        </Raw>
      )}
      {ended(run) && (
        <div class="buttons">
          <ActionButton action={`${base}/workflows/${run.workflowId}/runs`} icon="zap">
            Run again with a sample
          </ActionButton>
        </div>
      )}
    </>
  )
}

/** What was asked for, or sent. */
function Wish({ run }: { run: Run }): Html {
  if (run.kind === 'n8n') return <Raw label="What was sent">{readable(run.input)}</Raw>
  const wish = run.input as Record<string, unknown>
  const seed = (run.answer as { seed?: number } | null)?.seed
  const plain = wish.graph === 'plain'
  return (
    <Meta
      items={[
        { term: 'Shows', value: plain ? 'A plain colour card' : String(wish.prompt) },
        { term: 'Without', value: plain ? null : String(wish.negative ?? '') },
        { term: 'Colour', value: plain ? String(wish.colour) : null },
        { term: 'Model', value: plain ? null : String(wish.checkpoint) },
        { term: 'Size', value: `${String(wish.width)} × ${String(wish.height)} pixels` },
        { term: 'Seed', value: plain || seed === undefined ? null : String(seed) },
      ]}
    />
  )
}
