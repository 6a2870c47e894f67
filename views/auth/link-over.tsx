import type { Html } from '../html.ts'
import { ErrorPage, PlainLayout } from '../layout.tsx'
import { LinkButton } from '../ui/index.tsx'

type State = 'used' | 'expired' | 'unknown'

const words: Record<'join' | 'reset', Record<State, { title: string; text: string }>> = {
  join: {
    used: {
      title: 'This invitation was used',
      text: 'Each link works once. If it was you, sign in with the password you chose; if not, tell whoever invited you.',
    },
    expired: {
      title: 'This invitation has expired',
      text: 'Links are good for seven days. Ask whoever invited you for a new one.',
    },
    unknown: {
      title: 'This invitation does not work',
      text: 'It was taken back or replaced by a newer one, or the link is incomplete. Ask whoever invited you for a new one.',
    },
  },
  reset: {
    used: {
      title: 'This link was used',
      text: 'Each link works once. Sign in with the password you chose then, or ask for a new link.',
    },
    expired: {
      title: 'This link has expired',
      text: 'Links for a new password are good for one hour. Ask whoever runs this Masthead for a new one.',
    },
    unknown: {
      title: 'This link does not work',
      text: 'It was replaced by a newer one, or it is incomplete. Ask whoever runs this Masthead for a new one.',
    },
  },
}

/** A link that lets nobody in any more: why, and what to do. */
export function LinkOverPage({ what, state }: { what: 'join' | 'reset'; state: State }): Html {
  const { title, text } = words[what][state]
  return (
    <PlainLayout title={title}>
      <ErrorPage
        status={state === 'unknown' ? 404 : 410}
        title={title}
        actions={
          <LinkButton href="/sign-in" variant="main">
            Sign in
          </LinkButton>
        }
      >
        <p>{text}</p>
      </ErrorPage>
    </PlainLayout>
  )
}
