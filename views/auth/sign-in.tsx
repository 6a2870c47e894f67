import type { CookieTrouble } from '../../src/auth/entrance.ts'
import type { Rejected } from '../../src/http/form.ts'
import type { Html } from '../html.ts'
import { PlainLayout } from '../layout.tsx'
import { Button, Buttons, Field, Form, LinkButton, Notice } from '../ui/index.tsx'
import { complaints, typed, wrong } from './typed.ts'

const labels = { email: 'Mail address', password: 'Password', workspace: 'Workspace' }

export function SignInPage({
  form,
  next,
  trouble,
  left,
  byMail,
}: {
  form: Rejected | null
  next: string
  trouble: CookieTrouble | null
  /** Whether a link for a new password can be asked for by mail. */
  byMail: boolean
  /** What led here, when it was no wish to sign in. */
  left: 'signed-out' | 'erasure' | null
}): Html {
  const refused = form && Object.keys(form.errors).length === 0
  return (
    <PlainLayout title="Sign in">
      <h1>Sign in</h1>
      {left === 'signed-out' && !form && <Notice kind="good">You are signed out.</Notice>}
      {left === 'erasure' && !form && (
        <Notice kind="warn" title="The workspace is closed, and will be erased in seven days">
          Everybody is signed out and nothing goes out any more. An owner who signs in until then can keep it,
          or take an export along.
        </Notice>
      )}
      {trouble && (
        <Notice
          kind="warn"
          title={trouble.title}
          actions={
            trouble.address && (
              <LinkButton href={trouble.address} size="small">
                Go to {new URL(trouble.address).host}
              </LinkButton>
            )
          }
        >
          {trouble.text}
        </Notice>
      )}
      {refused && <Notice kind="bad">{form.message}</Notice>}
      <Form action="/sign-in" errors={refused ? undefined : complaints(form, labels)}>
        {next && <input type="hidden" name="next" value={next} />}
        <Field
          type="email"
          name="email"
          label={labels.email}
          required
          autocomplete="username"
          autofocus={!form}
          value={typed(form, 'email')}
          error={wrong(form, 'email')}
        />
        <Field
          type="password"
          name="password"
          label={labels.password}
          required
          autocomplete="current-password"
          autofocus={Boolean(refused)}
          error={wrong(form, 'password')}
        />
        <Field
          name="workspace"
          label={labels.workspace}
          hint="Its address, such as northwind. Only needed if you are in many."
          autocomplete="organization"
          autocapitalize="none"
          spellcheck={false}
          value={typed(form, 'workspace')}
          error={wrong(form, 'workspace')}
        />
        <Buttons>
          <Button variant="main" size="large">
            Sign in
          </Button>
        </Buttons>
      </Form>
      {byMail ? (
        <p>
          <a href="/reset">Forgotten the password?</a>
        </p>
      ) : (
        <p>Forgotten the password? Whoever runs this Masthead can make you a link for a new one.</p>
      )}
    </PlainLayout>
  )
}
