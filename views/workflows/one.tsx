import type { Frame } from '../../src/http/desk.ts'
import type { Rejected } from '../../src/http/form.ts'
import type { Page } from '../../src/lib/cursor.ts'
import type { Run, Workflow } from '../../src/workflows/schema.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import {
  Block,
  Columns,
  EmptyState,
  type Moment,
  PageHead,
  Pager,
  Raw,
  Time,
  Timeline,
} from '../ui/index.tsx'
import { WorkflowForm } from './form.tsx'
import { NoN8n, OnOff, WorkflowActions } from './list.tsx'
import { NodeSettings, VerifySnippet } from './node-settings.tsx'
import { readable, runLooks } from './run-mark.tsx'

/** One workflow: its runs with input, answer and outcome, and its settings. */
export function WorkflowPage({
  frame,
  n8n,
  workflow,
  runs,
  form,
}: {
  frame: Frame
  n8n: string | null
  workflow: Workflow
  runs: Page<Run>
  form?: Rejected | undefined
}): Html {
  const { slug, zone } = frame.workspace
  const base = `/w/${slug}`
  const at = `${base}/workflows/${workflow.id}`
  return (
    <Layout {...frame} title={workflow.name}>
      <PageHead
        title={workflow.name}
        back={{ href: `${base}/workflows`, label: 'Workflows' }}
        mark={<OnOff active={workflow.active} />}
        actions={<WorkflowActions base={base} workflow={workflow} />}
      />
      <Columns
        aside={
          <>
            <WorkflowForm title="Settings" action={at} button="Save" n8n={n8n} form={form} now={workflow} />
            <NodeSettings path={workflow.path} />
            <VerifySnippet />
          </>
        }
        asideFirst={form !== undefined}
      >
        {n8n === null && <NoN8n />}
        <Block title="Runs" note="Every call with what was sent, what n8n answered and what became of it.">
          {runs.items.length === 0 ? (
            <EmptyState icon="history" title="It has not run yet">
              It runs when the next post is published. To try it at once, run it now: n8n then gets a sample.
            </EmptyState>
          ) : (
            <Timeline
              label="Runs, newest first"
              moments={runs.items.map(run => runMoment(run, base, zone))}
            />
          )}
        </Block>
        <Pager next={runs.next && `${at}?cursor=${encodeURIComponent(runs.next)}`} />
      </Columns>
    </Layout>
  )
}

function runMoment(run: Run, base: string, zone: string): Moment {
  const look = runLooks[run.state]
  const again = run.state === 'waiting' && run.tries > 0
  return {
    at: <Time at={run.createdAt} zone={zone} />,
    tone: again ? 'review' : look.tone,
    icon: again ? 'refresh-cw' : look.icon,
    live: run.state === 'running',
    title: <a href={`${base}/runs/${run.id}`}>{again ? 'To be tried again' : look.words}</a>,
    children: (
      <>
        {run.outcome && <p>{run.outcome}</p>}
        {again && run.nextTryAt && (
          <p>
            Tries so far: {run.tries}. The next comes by itself, <Time at={run.nextTryAt} zone={zone} />.
          </p>
        )}
        <Raw label="Input">{readable(run.input)}</Raw>
        {run.answer !== null && run.answer !== undefined && <Raw label="Answer">{readable(run.answer)}</Raw>}
      </>
    ),
  }
}
