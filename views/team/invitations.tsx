import type { DeliveryState } from '../../src/deliveries/schema.ts'
import { complaints, typed, wrong } from '../auth/typed.ts'
import type { Html } from '../html.ts'
import {
  Avatar,
  Badge,
  Block,
  Button,
  Buttons,
  Choices,
  Confirm,
  CopyField,
  EmptyState,
  Field,
  Form,
  Line,
  Notice,
  Row,
  Rows,
  Time,
} from '../ui/index.tsx'
import type { PeopleProps } from './people.tsx'
import { invitable, options } from './roles.ts'

/** The link of a new invitation. */
export function Fresh({
  invited,
  zone,
}: {
  invited: NonNullable<PeopleProps['invited']>
  zone: string
}): Html {
  const { invitation, link } = invited
  return (
    <Notice
      kind="good"
      title={`The invitation for ${invitation.email} is ${invitation.mail ? 'on its way by mail' : 'ready'}`}
    >
      <CopyField
        id="invitation-link"
        label={invitation.mail ? 'Link' : 'Link to send'}
        value={link}
        hint={
          <>
            {invitation.mail ? 'The same link, should the mail get lost' : 'Send it yourself'}; it works once,
            until <Time at={invitation.expiresAt} zone={zone} />. It is not shown again.
          </>
        }
      />
    </Notice>
  )
}

/** The form that makes an invitation. */
export function Inviting({ form, base, byMail }: PeopleProps & { base: string }): Html {
  const labels = { email: 'Mail address', role: 'Role' }
  return (
    <Block title="Invite somebody" id="invite">
      <Form action={`${base}/invitations`} errors={complaints(form, labels)}>
        <Field
          type="email"
          name="email"
          label={labels.email}
          required
          autocomplete="off"
          value={typed(form, 'email')}
          error={wrong(form, 'email')}
        />
        <Choices
          name="role"
          label="What they may do"
          kind="radio"
          required
          value={typed(form, 'role', 'author')}
          options={options(invitable)}
          error={wrong(form, 'role')}
        />
        <Buttons>
          <Button variant="main" icon="user-plus">
            {byMail ? 'Invite by mail' : 'Make the link'}
          </Button>
        </Buttons>
      </Form>
    </Block>
  )
}

/** What became of an invitation's mail. */
const mailWords: Record<DeliveryState, string> = {
  waiting: 'mail waits',
  sending: 'mail is being sent',
  delivered: 'mailed',
  failed: 'the mail was refused',
}

/** Invitations that nobody has taken up yet. */
export function Waiting({ invitations, frame, base, byMail }: PeopleProps & { base: string }): Html {
  const { zone } = frame.workspace
  return (
    <Block title="Invited" id="invitations">
      {invitations.length === 0 ? (
        <EmptyState icon="user-plus" title="Nobody is invited just now">
          {byMail
            ? 'Type a mail address: they get a link and choose their own password.'
            : 'Make a link, send it by mail or chat, and they choose their own password.'}
        </EmptyState>
      ) : (
        <Rows label="Invitations">
          {invitations.map(({ id, email, role, state, expiresAt, invitedBy, mail }) => (
            <Row
              lead={<Avatar name={email} />}
              title={email}
              meta={
                <Line
                  parts={[
                    role,
                    invitedBy && `invited by ${invitedBy}`,
                    mail && mailWords[mail],
                    <>
                      {state === 'open' ? 'until ' : 'expired '}
                      <Time at={expiresAt} zone={zone} shape="day" />
                    </>,
                  ]}
                />
              }
              mark={state === 'expired' && <Badge tone="held">expired</Badge>}
              actions={
                <Confirm
                  label="Take back"
                  size="small"
                  align="end"
                  question={`Take the invitation for ${email} back? Its link stops working.`}
                  action={`${base}/invitations/${id}/removal`}
                  yes="Take back"
                />
              }
            />
          ))}
        </Rows>
      )}
    </Block>
  )
}
