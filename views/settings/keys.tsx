import type { ApiKey } from '../../src/auth/keys.ts'
import type { Rejected } from '../../src/http/form.ts'
import { complaints, typed, wrong } from '../auth/typed.ts'
import type { Html } from '../html.ts'
import {
  Button,
  Buttons,
  Confirm,
  CopyField,
  EmptyState,
  Field,
  Form,
  Notice,
  Table,
  Time,
} from '../ui/index.tsx'
import type { SettingsProps } from './settings.tsx'

const labels = { name: 'What it is for' }

export function Keys({
  frame,
  keys,
  people,
  made,
  form,
}: Pick<SettingsProps, 'frame' | 'people' | 'made'> & {
  keys: readonly ApiKey[]
  form: Rejected | null
}): Html {
  const base = `/w/${frame.workspace.slug}/settings/keys`
  const { zone } = frame.workspace
  return (
    <>
      {made && (
        <Notice kind="good" title={`The key “${made.name}” is made`}>
          <CopyField
            id="api-key"
            label="Key"
            value={made.key}
            hint="Keep it now, in a safe place: it is not shown again. Send it as “Authorization: Bearer …”."
          />
        </Notice>
      )}
      {keys.length === 0 ? (
        <EmptyState icon="key-round" title="No keys yet">
          Make one for n8n, a script or another program of yours.
        </EmptyState>
      ) : (
        <Table
          caption="API keys"
          columns={[
            { head: 'For' },
            { head: 'Key' },
            { head: 'Acts as' },
            { head: 'Last used' },
            { head: 'Revoke', hideHead: true },
          ]}
          rows={keys.map(key => [
            key.name,
            <code>…{key.hint}</code>,
            people[key.userId] ?? 'somebody',
            key.lastUsedAt ? <Time at={key.lastUsedAt} zone={zone} /> : 'never',
            <Confirm
              label="Revoke"
              size="small"
              align="end"
              question={`Revoke “${key.name}”? Programs that use it are refused at once.`}
              action={`${base}/${key.id}/removal`}
              yes="Revoke"
            />,
          ])}
        />
      )}
      <Form action={base} errors={complaints(form, labels)}>
        <Field
          name="name"
          label={labels.name}
          id="f-key-name"
          required
          maxlength={120}
          autocomplete="off"
          placeholder="n8n"
          value={typed(form, 'name')}
          error={wrong(form, 'name')}
        />
        <Buttons>
          <Button icon="key-round">Make a key</Button>
        </Buttons>
      </Form>
    </>
  )
}
