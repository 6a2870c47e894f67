import type { Frame } from '../../src/http/desk.ts'
import type { Rejected } from '../../src/http/form.ts'
import type { Run, Workflow } from '../../src/workflows/schema.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import {
  ActionButton,
  Block,
  Card,
  Columns,
  Confirm,
  CopyField,
  EmptyState,
  Notice,
  PageHead,
  Pager,
  Row,
  Rows,
  StateMark,
  Time,
} from '../ui/index.tsx'
import { WorkflowForm } from './form.tsx'
import { NodeSettings, VerifySnippet } from './node-settings.tsx'
import { RunMark } from './run-mark.tsx'

export interface WorkflowsPageProps {
  frame: Frame
  /** The address of n8n, null when the operator has set none. */
  n8n: string | null
  workflows: readonly Workflow[]
  runs: ReadonlyMap<string, readonly Run[]>
  next: string | null
  form?: Rejected | undefined
  /** The one just made, with its secret, which no other page shows. */
  made?: (Workflow & { secret: string }) | undefined
}

/** Every workflow with its latest runs, and the way to make one. */
export function WorkflowsPage({ frame, n8n, workflows, runs, next, form, made }: WorkflowsPageProps): Html {
  const base = `/w/${frame.workspace.slug}`
  const others = workflows.filter(workflow => workflow.id !== made?.id)
  return (
    <Layout {...frame} title="Workflows">
      <PageHead title="Workflows" note="What n8n does when a post is out" />
      <Columns
        aside={
          <>
            <WorkflowForm
              title="New workflow"
              action={`${base}/workflows`}
              button="Make the workflow"
              n8n={n8n}
              form={form}
            />
            <NodeSettings />
          </>
        }
        asideFirst={form !== undefined}
      >
        {n8n === null && <NoN8n />}
        {made && <Made base={base} workflow={made} />}
        {others.length > 0 && (
          <Block title={made ? 'The others' : 'All workflows'}>
            <div class="form">
              {others.map(workflow => (
                <WorkflowCard
                  base={base}
                  zone={frame.workspace.zone}
                  workflow={workflow}
                  runs={runs.get(workflow.id) ?? []}
                />
              ))}
            </div>
          </Block>
        )}
        {workflows.length === 0 && (
          <EmptyState icon="workflow" title="No workflow yet">
            When a post is out, n8n can take it from there: note it in a spreadsheet, tell the team chat,
            carry it to a network that Masthead does not know, or add it to the next newsletter. Set up a
            Webhook node as described here, then give its path a name.
          </EmptyState>
        )}
        <Pager next={next && `${base}/workflows?cursor=${encodeURIComponent(next)}`} />
      </Columns>
    </Layout>
  )
}

export function NoN8n(): Html {
  return (
    <Notice kind="warn" title="No n8n is connected">
      Workflows can be made, but their runs fail until whoever runs Masthead sets N8N_URL to the address of
      n8n and restarts.
    </Notice>
  )
}

function Made({ base, workflow }: { base: string; workflow: Workflow & { secret: string } }): Html {
  return (
    <Block title={`“${workflow.name}” is ready`} id="made">
      <div class="form">
        <Notice kind="warn" title="Copy the secret now">
          It is shown this once. Whoever has it can send calls that look like ours; lost, it is replaced by
          making the workflow anew.
        </Notice>
        <CopyField
          id="secret"
          label="Signing secret"
          value={workflow.secret}
          hint="Every call is signed with it, in the Standard Webhooks form."
        />
        <VerifySnippet secret={workflow.secret} open />
        <div class="buttons">
          <ActionButton action={`${base}/workflows/${workflow.id}/runs`} icon="zap" variant="main">
            Run it with a sample
          </ActionButton>
          <a class="btn btn-quiet" href={`${base}/workflows/${workflow.id}`}>
            Open the workflow
          </a>
        </div>
      </div>
    </Block>
  )
}

function WorkflowCard({
  base,
  zone,
  workflow,
  runs,
}: {
  base: string
  zone: string
  workflow: Workflow
  runs: readonly Run[]
}): Html {
  const at = `${base}/workflows/${workflow.id}`
  return (
    <Card title={<a href={at}>{workflow.name}</a>} mark={<OnOff active={workflow.active} />}>
      <p>
        A published post calls <code>/webhook/{workflow.path}</code>
      </p>
      {runs.length === 0 ? (
        <p class="page-note">It has not run yet.</p>
      ) : (
        <Rows label={`Latest runs of ${workflow.name}`}>
          {runs.map(run => (
            <Row
              href={`${base}/runs/${run.id}`}
              title={<Time at={run.createdAt} zone={zone} />}
              meta={run.state === 'succeeded' ? null : run.outcome}
              mark={<RunMark run={run} />}
            />
          ))}
        </Rows>
      )}
      <WorkflowActions base={base} workflow={workflow} />
    </Card>
  )
}

export function OnOff({ active }: { active: boolean }): Html {
  return active ? <StateMark state="connected">On</StateMark> : <StateMark state="held">Off</StateMark>
}

export function WorkflowActions({ base, workflow }: { base: string; workflow: Workflow }): Html {
  const at = `${base}/workflows/${workflow.id}`
  return (
    <div class="buttons">
      <ActionButton action={`${at}/runs`} size="small" icon="zap">
        Run now
      </ActionButton>
      <ActionButton
        action={`${at}/active`}
        size="small"
        variant="quiet"
        icon={workflow.active ? 'pause' : 'plug-zap'}
        fields={{ active: String(!workflow.active) }}
      >
        {workflow.active ? 'Switch off' : 'Switch on'}
      </ActionButton>
      <Confirm
        label="Remove"
        icon="trash-2"
        size="small"
        question={`Remove “${workflow.name}” with the record of its runs? The flow in n8n stays.`}
        action={`${at}/removal`}
        yes="Remove it"
      />
    </div>
  )
}
