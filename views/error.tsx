import type { Html } from './html.ts'
import { ErrorPage, PlainLayout } from './layout.tsx'
import { LinkButton } from './ui/button.tsx'

const titles: Record<number, string> = {
  401: 'Please sign in',
  403: 'That is not allowed',
  404: 'There is nothing here',
  409: 'That does not go together',
  413: 'That is too large',
  429: 'Too many at once',
  500: 'Something went wrong on our side',
  503: 'Just a moment',
}

/** Any error as a page: what happened, what to do, and a way back. */
export function ErrorView(props: { status: number; title: string; detail: string; home: string }): Html {
  const title = titles[props.status] ?? props.title
  return (
    <PlainLayout title={title}>
      <ErrorPage
        status={props.status}
        title={title}
        actions={
          <LinkButton href={props.home} variant="main">
            Back to the desk
          </LinkButton>
        }
      >
        <p>{props.detail}</p>
      </ErrorPage>
    </PlainLayout>
  )
}
