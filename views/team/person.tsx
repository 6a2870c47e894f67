import type { Frame } from '../../src/http/desk.ts'
import type { User } from '../../src/team/users.ts'
import type { Html } from '../html.ts'
import { Avatar, Badge, Button, Choices, Confirm, Form, Line, Popover, Row } from '../ui/index.tsx'
import { invitable, options, type Role } from './roles.ts'

/** One person of the list, with what the viewer may change. */
export function Person({
  person,
  frame,
  managing,
  base,
}: {
  person: User
  frame: Frame
  managing: boolean
  base: string
}): Html {
  const self = person.id === frame.user.id
  const touchable = managing && !self && (person.role !== 'owner' || frame.user.role === 'owner')
  const offered: readonly Role[] = frame.user.role === 'owner' ? ['owner', ...invitable] : invitable
  return (
    <Row
      lead={<Avatar name={person.name} />}
      title={person.name}
      meta={<Line parts={[person.email, self && 'this is you']} />}
      mark={<Badge>{person.role}</Badge>}
      actions={
        touchable && (
          <>
            <Popover label="Role" size="small" variant="quiet" align="end">
              <Form action={`${base}/${person.id}/role`}>
                <Choices
                  name="role"
                  id={`role-${person.id}`}
                  label={`What ${person.name} may do`}
                  kind="radio"
                  required
                  value={person.role}
                  options={options(offered)}
                />
                <Button variant="main">Save</Button>
              </Form>
            </Popover>
            <Confirm
              label="Remove"
              size="small"
              align="end"
              question={`Take the login of ${person.name} away? Their sessions and keys end at once; what they wrote stays.`}
              action={`${base}/${person.id}/removal`}
              yes="Remove"
            />
          </>
        )
      }
    />
  )
}
