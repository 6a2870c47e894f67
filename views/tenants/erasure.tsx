import type { Rejected } from '../../src/http/form.ts'
import { complaints, wrong } from '../auth/typed.ts'
import type { Html } from '../html.ts'
import { ActionButton, Button, Buttons, Field, Form, NeedCard, Time } from '../ui/index.tsx'
import type { WorkspacePageProps } from './workspace.tsx'

const labels = { confirm: 'Address' }

export function Erasure({
  frame,
  standing,
  base,
  form,
}: Pick<WorkspacePageProps, 'frame' | 'standing'> & { base: string; form: Rejected | null }): Html {
  const { slug, zone } = frame.workspace
  if (standing.eraseAfter)
    return (
      <NeedCard
        state="failed"
        kicker="To be erased"
        title={
          <>
            After <Time at={standing.eraseAfter} zone={zone} />
          </>
        }
        actions={
          <ActionButton action={`${base}/erasure/removal`} variant="main" icon="undo-2">
            Keep the workspace
          </ActionButton>
        }
      >
        <p>
          Until then nobody else can enter, nothing goes out, and you can keep it or take an export along.
        </p>
      </NeedCard>
    )
  return (
    <>
      <p>
        Everybody is signed out at once and nothing goes out any more. For seven days an owner can sign in and
        keep the workspace; then it goes: posts, versions and comments, people and their logins, connected
        accounts, pictures, snapshots and exports, and the key that they were sealed with.
      </p>
      <p>
        What stays: posts on the networks, and backups of the server until they age out. The feed at{' '}
        <code>/feed/{slug}</code> goes with the workspace.
      </p>
      <Form action={`${base}/erasure`} errors={complaints(form, labels)}>
        <Field
          name="confirm"
          label={`To be sure, type the workspace’s address: ${slug}`}
          required
          maxlength={60}
          autocapitalize="none"
          autocomplete="off"
          spellcheck={false}
          error={wrong(form, 'confirm')}
        />
        <Buttons>
          <Button variant="danger" icon="trash-2">
            Erase the workspace
          </Button>
        </Buttons>
      </Form>
    </>
  )
}
