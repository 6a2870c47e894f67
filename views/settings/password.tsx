import type { Frame } from '../../src/http/desk.ts'
import type { Rejected } from '../../src/http/form.ts'
import { complaints, wrong } from '../auth/typed.ts'
import type { Html } from '../html.ts'
import { Button, Buttons, Field, Form } from '../ui/index.tsx'

const labels = { currentPassword: 'Present password', password: 'New password' }

export function Password({ frame, form }: { frame: Frame; form: Rejected | null }): Html {
  return (
    <Form action={`/w/${frame.workspace.slug}/settings/password`} errors={complaints(form, labels)}>
      <input type="hidden" name="_username" value={frame.user.email} autocomplete="username" />
      <Field
        type="password"
        name="currentPassword"
        label={labels.currentPassword}
        required
        autocomplete="current-password"
        error={wrong(form, 'currentPassword')}
      />
      <Field
        type="password"
        name="password"
        label={labels.password}
        required
        minlength={12}
        autocomplete="new-password"
        hint="Twelve characters or more. Every other session is ended; API keys stay."
        error={wrong(form, 'password')}
      />
      <Buttons>
        <Button>Change the password</Button>
      </Buttons>
    </Form>
  )
}
