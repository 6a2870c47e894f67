import type { Frame } from '../../src/http/desk.ts'
import type { Html } from '../html.ts'
import { Button, Buttons, Check, Form, LinkButton } from '../ui/index.tsx'

/** What the settings page knows of mail. */
export interface MailFacts {
  /** Whether this Masthead sends mail at all. */
  setUp: boolean
  /** The person's own choice. */
  notifications: boolean
  /** Of the whole workspace; null for who may not see its outbox. */
  counts: { waiting: number; failed: number } | null
}

export function MailSettings({ frame, mail }: { frame: Frame; mail: MailFacts }): Html {
  const here = `/w/${frame.workspace.slug}/settings/mail`
  const { counts } = mail
  return (
    <>
      {mail.setUp ? (
        <Form action={here}>
          <Check
            name="notifications"
            label="Mail me what waits for me"
            hint="When a post fails, an account has to be connected again, or somebody asks for your approval or for changes."
            checked={mail.notifications}
          />
          <Buttons>
            <Button>Save</Button>
          </Buttons>
        </Form>
      ) : (
        <p>
          This Masthead sends no mail. Whoever runs it sets SMTP_URL; until then, what waits for you is told
          under Notifications, and invitation links are yours to hand on.
        </p>
      )}
      <Buttons>
        <LinkButton href={`/w/${frame.workspace.slug}/settings/notifications`} icon="bell">
          What you are told, and quiet hours
        </LinkButton>
        {counts && (
          <LinkButton href={here} icon="send">
            Outbox
            {counts.failed > 0 && `: ${counts.failed} not sent`}
            {counts.waiting > 0 && `${counts.failed > 0 ? ', ' : ': '}${counts.waiting} waiting`}
          </LinkButton>
        )}
      </Buttons>
    </>
  )
}
