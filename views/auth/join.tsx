import type { Rejected } from '../../src/http/form.ts'
import type { Welcome } from '../../src/team/invitations.ts'
import type { Html } from '../html.ts'
import { PlainLayout } from '../layout.tsx'
import { Button, Buttons, Field, Form } from '../ui/index.tsx'
import { complaints, typed, wrong } from './typed.ts'

const labels = { name: 'Your name', password: 'Password' }

/** An invitation: who one will be, a name and a password. */
export function JoinPage({ welcome, form }: { welcome: Welcome; form: Rejected | null }): Html {
  const article = /^[aeiou]/.test(welcome.role) ? 'an' : 'a'
  return (
    <PlainLayout title={`Join ${welcome.workspace}`}>
      <h1 dir="auto">Join {welcome.workspace}</h1>
      <p>
        You were invited as {article} {welcome.role}. Choose a name and a password, and you are in.
      </p>
      <Form action="" errors={complaints(form, labels)}>
        <Field
          type="email"
          name="_email"
          label="Mail address"
          hint="You sign in with this one."
          required
          readonly
          autocomplete="username"
          value={welcome.email}
        />
        <Field
          name="name"
          label={labels.name}
          required
          autocomplete="name"
          autofocus
          maxlength={120}
          value={typed(form, 'name')}
          error={wrong(form, 'name')}
        />
        <Field
          type="password"
          name="password"
          label={labels.password}
          required
          minlength={12}
          autocomplete="new-password"
          hint="Twelve characters or more; four plain words do well."
          error={wrong(form, 'password')}
        />
        <Buttons>
          <Button variant="main" size="large">
            Join
          </Button>
        </Buttons>
      </Form>
    </PlainLayout>
  )
}
