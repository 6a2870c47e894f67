import type { Html } from '../html.ts'
import { PlainLayout } from '../layout.tsx'
import { Avatar, Button, Row, Rows } from '../ui/index.tsx'

/** After the right password: which of one's workspaces to enter. `choice` says, sealed, that the password was right. */
export function ChoosePage({
  workspaces,
  choice,
  next,
}: {
  workspaces: readonly { id: string; slug: string; name: string }[]
  choice: string
  next: string
}): Html {
  return (
    <PlainLayout title="Choose a workspace">
      <h1>Where to?</h1>
      <p>Your mail address and password fit more than one workspace.</p>
      <form method="post" action="/sign-in/workspace">
        <input type="hidden" name="choice" value={choice} />
        {next && <input type="hidden" name="next" value={next} />}
        <Rows label="Your workspaces">
          {workspaces.map(({ id, slug, name }) => (
            <Row
              lead={<Avatar name={name} />}
              title={name}
              meta={slug}
              actions={
                <Button name="tenant" value={id} aria-label={`Open ${name}`}>
                  Open
                </Button>
              }
            />
          ))}
        </Rows>
      </form>
    </PlainLayout>
  )
}
