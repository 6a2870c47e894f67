import type { Rejected } from '../../src/http/form.ts'
import type { Html } from '../html.ts'
import { PlainLayout } from '../layout.tsx'
import { Button, Buttons, Field, Form, LinkButton, Notice } from '../ui/index.tsx'
import { complaints, typed, wrong } from './typed.ts'

const labels = { email: 'Mail address', workspace: 'Workspace' }

/** Asks for a link for a new password. `byMail` is false where no mail is set up: then a person has to be asked. */
export function ForgottenPage({ form, byMail }: { form: Rejected | null; byMail: boolean }): Html {
  const refused = form && Object.keys(form.errors).length === 0
  return (
    <PlainLayout title="A new password">
      <h1>A new password</h1>
      {byMail ? (
        <>
          <p>We send you a link that works once, within the hour.</p>
          {refused && <Notice kind="bad">{form.message}</Notice>}
          <Form action="/reset" errors={refused ? undefined : complaints(form, labels)}>
            <Field
              type="email"
              name="email"
              label={labels.email}
              required
              autocomplete="username"
              autofocus
              value={typed(form, 'email')}
              error={wrong(form, 'email')}
            />
            <Field
              name="workspace"
              label={labels.workspace}
              hint="Its address, such as northwind. Left empty, you get a link for each of yours."
              autocomplete="organization"
              autocapitalize="none"
              spellcheck={false}
              value={typed(form, 'workspace')}
              error={wrong(form, 'workspace')}
            />
            <Buttons>
              <Button variant="main" size="large">
                Send the link
              </Button>
            </Buttons>
          </Form>
        </>
      ) : (
        <p>This Masthead sends no mail. Whoever runs it can make you a link for a new password.</p>
      )}
      <p>
        <a href="/sign-in">Back to signing in</a>
      </p>
    </PlainLayout>
  )
}

/** The answer to everybody who asks, whether there is such a login or not. */
export function ForgottenSentPage(): Html {
  return (
    <PlainLayout title="Look into your mail">
      <h1>Look into your mail</h1>
      <p>
        If this address has a login here, a link for a new password is on its way to it. It works once, within
        the hour.
      </p>
      <p>Nothing after some minutes? Look among the unwanted mail, or ask whoever runs this Masthead.</p>
      <LinkButton href="/sign-in">Back to signing in</LinkButton>
    </PlainLayout>
  )
}
