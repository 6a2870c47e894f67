import type { Html } from '../html.ts'
import { PlainLayout } from '../layout.tsx'
import { LinkButton, Row, Rows } from '../ui/index.tsx'

/** The front page for a browser that has entered several workspaces. */
export function DesksPage({ slugs }: { slugs: readonly string[] }): Html {
  return (
    <PlainLayout title="Your workspaces">
      <h1>Your workspaces</h1>
      <Rows label="Your workspaces">
        {slugs.map(slug => (
          <Row href={`/w/${slug}`} title={slug} />
        ))}
      </Rows>
      <LinkButton href="/sign-in" variant="quiet">
        Sign in to another one
      </LinkButton>
    </PlainLayout>
  )
}
