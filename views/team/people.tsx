import type { Frame } from '../../src/http/desk.ts'
import type { Rejected } from '../../src/http/form.ts'
import type { Invitation } from '../../src/team/invitations.ts'
import type { User } from '../../src/team/users.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import { Columns, PageHead, Pager, Rows } from '../ui/index.tsx'
import { Fresh, Inviting, Waiting } from './invitations.tsx'
import { Person } from './person.tsx'

export interface PeopleProps {
  frame: Frame
  people: readonly User[]
  next: string | null
  first: boolean
  managing: boolean
  /** Whether an invitation is mailed. */
  byMail: boolean
  invitations: readonly Invitation[]
  form: Rejected | null
  /** An invitation made just now, with its link: shown this once. */
  invited: { invitation: Invitation; link: string } | null
}

export function PeoplePage(props: PeopleProps): Html {
  const { frame, people, next, first, managing, invited } = props
  const base = `/w/${frame.workspace.slug}/people`
  const list = (
    <>
      <Rows label="People">
        {people.map(person => (
          <Person person={person} frame={frame} managing={managing} base={base} />
        ))}
      </Rows>
      <Pager
        next={next && `${base}?cursor=${encodeURIComponent(next)}`}
        first={first ? null : base}
        label="More"
      />
    </>
  )
  return (
    <Layout {...frame} title="People">
      <PageHead title="People" note={`with a login in ${frame.workspace.name}`} />
      <div class="stack">
        {invited && <Fresh invited={invited} zone={frame.workspace.zone} />}
        {managing ? (
          <Columns aside={<Inviting {...props} base={base} />}>
            {list}
            <Waiting {...props} base={base} />
          </Columns>
        ) : (
          list
        )}
      </div>
    </Layout>
  )
}
