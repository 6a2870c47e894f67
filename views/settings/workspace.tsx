import type { Rejected } from '../../src/http/form.ts'
import { complaints, typed, wrong } from '../auth/typed.ts'
import { zoneGroups } from '../auth/zones.ts'
import type { Html } from '../html.ts'
import { lateOptions } from '../publishing/late.tsx'
import { Button, Buttons, Check, Field, Form, Select } from '../ui/index.tsx'
import type { SettingsProps } from './settings.tsx'

const labels = {
  name: 'Name',
  zone: 'Time zone',
  country: 'Country',
  lateMinutes: 'Ask before a post goes out later than',
}

export function WorkspaceSettings({
  frame: { workspace },
  countries,
  zones,
  form,
}: Pick<SettingsProps, 'frame' | 'countries' | 'zones'> & { form: Rejected | null }): Html {
  const listed = zones.includes(workspace.zone) ? zones : [workspace.zone, ...zones]
  return (
    <Form action={`/w/${workspace.slug}/settings/workspace`} errors={complaints(form, labels)}>
      <Field
        name="name"
        label={labels.name}
        required
        maxlength={120}
        value={typed(form, 'name', form ? '' : workspace.name)}
        error={wrong(form, 'name')}
      />
      <Select
        name="zone"
        label={labels.zone}
        required
        groups={zoneGroups(listed)}
        value={typed(form, 'zone', workspace.zone)}
        error={wrong(form, 'zone')}
      />
      <Select
        name="country"
        label={labels.country}
        blank="Not said"
        options={countries.map(({ code, name }) => ({ value: code, label: name }))}
        value={typed(form, 'country', form ? '' : (workspace.country ?? ''))}
        error={wrong(form, 'country')}
      />
      <Check
        name="approvalRequired"
        label="Every post needs an approval"
        hint="A post that nobody has approved is held when its time comes."
        checked={form ? typed(form, 'approvalRequired') !== '' : workspace.approvalRequired}
      />
      <Select
        name="lateMinutes"
        label={labels.lateMinutes}
        required
        hint="A post that is less late goes out by itself. A later one is held, and asks."
        options={lateOptions(String(workspace.lateMinutes))}
        value={typed(form, 'lateMinutes', String(workspace.lateMinutes))}
        error={wrong(form, 'lateMinutes')}
      />
      <Buttons>
        <Button variant="main">Save</Button>
      </Buttons>
    </Form>
  )
}
