import type { Frame } from '../../src/http/desk.ts'
import type { Rejected } from '../../src/http/form.ts'
import type { WorkspacePart } from '../../src/tenants/pages.ts'
import type { Export, Snapshot } from '../../src/tenants/schema.ts'
import { complaints, typed, wrong } from '../auth/typed.ts'
import type { Html } from '../html.ts'
import { Layout, PlainLayout } from '../layout.tsx'
import { ActionButton, Button, Buttons, Field, Form, Notice, PageHead, Section } from '../ui/index.tsx'
import { Erasure } from './erasure.tsx'
import { Exports } from './exports.tsx'
import { Snapshots } from './snapshots.tsx'

export interface WorkspacePageProps {
  frame: Frame
  standing: { suspended: boolean; reason: string | null; eraseAfter: Date | null }
  formerSlugs: readonly string[]
  exports: readonly Export[]
  snapshots: readonly Snapshot[]
  /** User id → name. */
  people: Readonly<Record<string, string>>
  /** Which form was refused. */
  part: WorkspacePart | null
  form: Rejected | null
}

/** The workspace itself, for its owners. While it is suspended it stands alone: nothing else can be entered. */
export function WorkspacePage(props: WorkspacePageProps): Html {
  const { frame, standing } = props
  const title = 'The workspace itself'
  const at = `/w/${frame.workspace.slug}`
  if (!standing.suspended)
    return (
      <Layout {...frame} path={`${at}/settings`} title={title}>
        <PageHead title={title} back={{ href: `${at}/settings`, label: 'Settings' }} note="for owners" />
        <Parts {...props} />
      </Layout>
    )
  return (
    <PlainLayout title={title} wide flash={frame.flash}>
      <h1 dir="auto">{frame.workspace.name}</h1>
      {standing.reason && (
        <Notice kind="warn" title="This workspace is suspended">
          {standing.reason}
        </Notice>
      )}
      <Parts {...props} />
      <Buttons>
        <ActionButton action={`${at}/sign-out`} variant="quiet" icon="log-out">
          Sign out
        </ActionButton>
      </Buttons>
    </PlainLayout>
  )
}

const labels = { slug: 'Address' }

function Parts(props: WorkspacePageProps): Html {
  const { frame, part, form, formerSlugs } = props
  const of = (wanted: WorkspacePart): Rejected | null => (part === wanted ? form : null)
  const base = `/w/${frame.workspace.slug}/workspace`
  const address = of('address')
  const erasure = (
    <Section
      id="erasure"
      title="Erase"
      danger
      about="Ends the workspace for good. What is published stays where it was published."
    >
      <Erasure {...props} base={base} form={of('erasure')} />
    </Section>
  )
  return (
    <>
      {props.standing.eraseAfter && erasure}
      <Section
        id="address"
        title="Address"
        about="The last part of every link into the workspace and to its feed. Former addresses lead here, and nobody else can take them."
      >
        <Form action={`${base}/address`} errors={complaints(address, labels)}>
          <Field
            name="slug"
            label={labels.slug}
            required
            maxlength={40}
            autocapitalize="none"
            autocomplete="off"
            spellcheck={false}
            hint={
              formerSlugs.length > 0
                ? `Before: ${formerSlugs.join(', ')}. Letters, digits and hyphens.`
                : 'Letters, digits and hyphens.'
            }
            value={typed(address, 'slug', address ? '' : frame.workspace.slug)}
            error={wrong(address, 'slug')}
          />
          <Buttons>
            <Button icon="link-2">Change the address</Button>
          </Buttons>
        </Form>
      </Section>
      <Section
        id="export"
        title="Export"
        about="Everything in one file: posts, pictures, people, connected accounts with their keys. It is encrypted to a passphrase that only you know, and can be brought into any Masthead."
      >
        <Exports {...props} base={base} form={of('export')} />
      </Section>
      <Section
        id="snapshots"
        title="Snapshots"
        about="Copies that Masthead keeps by itself, nightly. Whoever runs it can put the workspace back to one of them."
      >
        <Snapshots {...props} />
      </Section>
      {!props.standing.eraseAfter && erasure}
    </>
  )
}
