import type { Rejected } from '../../src/http/form.ts'
import type { Html } from '../html.ts'
import { PlainLayout } from '../layout.tsx'
import { Button, Buttons, Field, Form } from '../ui/index.tsx'
import { complaints, wrong } from './typed.ts'

/** A new password by a link. */
export function ResetPage({ email, form }: { email: string; form: Rejected | null }): Html {
  return (
    <PlainLayout title="A new password">
      <h1>A new password</h1>
      <p>Every session that is open under the former one will be ended.</p>
      <Form action="" errors={complaints(form, { password: 'Password' })}>
        <Field
          type="email"
          name="_email"
          label="Mail address"
          required
          readonly
          autocomplete="username"
          value={email}
        />
        <Field
          type="password"
          name="password"
          label="New password"
          required
          minlength={12}
          autocomplete="new-password"
          autofocus
          hint="Twelve characters or more; four plain words do well."
          error={wrong(form, 'password')}
        />
        <Buttons>
          <Button variant="main" size="large">
            Save and sign in
          </Button>
        </Buttons>
      </Form>
    </PlainLayout>
  )
}
