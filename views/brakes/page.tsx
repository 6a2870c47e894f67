import type { BrakeChoices } from '../../src/brakes/find.ts'
import type { Brake } from '../../src/brakes/schema.ts'
import type { Frame } from '../../src/http/desk.ts'
import type { Rejected } from '../../src/http/form.ts'
import type { Page } from '../../src/lib/cursor.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import { plural } from '../publishing/words.ts'
import {
  Block,
  Columns,
  Confirm,
  EmptyState,
  NeedCard,
  PageHead,
  Pager,
  Row,
  Rows,
  Time,
} from '../ui/index.tsx'
import { BrakeFields } from './form.tsx'

/** Which brakes are on, the form for another one, and which were on before. */
export function BrakesPage({
  frame,
  brakes,
  choices,
  after,
  rejected,
}: {
  frame: Frame
  brakes: Page<Brake>
  /** null for roles that may use none. */
  choices: BrakeChoices | null
  after: string | undefined
  rejected: Rejected | null
}): Html {
  const { workspace } = frame
  const base = `/w/${workspace.slug}`
  const on = brakes.items.filter(({ releasedAt }) => releasedAt === null)
  const off = brakes.items.filter(({ releasedAt }) => releasedAt !== null)
  return (
    <Layout {...frame} brakes={[]} title="Brakes">
      <PageHead back={{ href: base, label: 'Today' }} title="Brakes" />
      <Columns
        aside={
          <Block title="How it ends">
            <div class="brake-notes">
              <p>
                When a brake is taken off or runs out, nothing goes out in a burst. Posts whose moment is
                still to come go out at their time. Late ones go out one after another, at most four a minute
                on each account. What is too late by then waits for your word.
              </p>
              <p>A post that is being sent when a brake is put on cannot be stopped any more.</p>
            </div>
          </Block>
        }
      >
        {on.map(brake => (
          <On base={base} brake={brake} zone={workspace.zone} mayUse={choices !== null} />
        ))}
        {on.length === 0 && !choices && (
          <EmptyState icon="pause" title="No brake is on">
            Owners, admins and editors can hold what is planned from here.
          </EmptyState>
        )}
        {choices && (
          <Block title={on.length === 0 ? 'Put a brake on' : 'Another brake'} id="new">
            <BrakeFields base={base} choices={choices} rejected={rejected} id="page" />
          </Block>
        )}
        {off.length > 0 && (
          <Block title="Before">
            <Rows label="Brakes that are off">
              {off.map(brake => (
                <Row
                  title={`On ${brake.about}`}
                  meta={
                    <>
                      <span dir="auto">{brake.reason}</span>
                      <br />
                      {brake.createdBy ?? 'Somebody'} put it on{' '}
                      <Time at={new Date(brake.createdAt)} zone={workspace.zone} />;{' '}
                      {brake.releasedBy ? `${brake.releasedBy} took it off` : 'it ran out'}{' '}
                      <Time at={new Date(brake.releasedAt ?? brake.createdAt)} zone={workspace.zone} />.
                    </>
                  }
                />
              ))}
            </Rows>
          </Block>
        )}
        <Pager
          next={brakes.next && `${base}/brakes?after=${encodeURIComponent(brakes.next)}`}
          first={after && `${base}/brakes`}
        />
      </Columns>
    </Layout>
  )
}

function On({
  base,
  brake,
  zone,
  mayUse,
}: {
  base: string
  brake: Brake
  zone: string
  mayUse: boolean
}): Html {
  return (
    <NeedCard
      state="held"
      kicker={
        brake.holds === 0 ? 'Brake on: no post held yet' : `Brake on: ${plural(brake.holds, 'post')} held`
      }
      title={`On ${brake.about}`}
      actions={
        mayUse && (
          <Confirm
            label="Take it off"
            icon="check"
            variant="main"
            question="Take this brake off? What is late goes out one after another; what is too late asks first."
            action={`${base}/brakes/${brake.id}/removal`}
            yes="Take it off"
            yesVariant="main"
          />
        )
      }
    >
      <p dir="auto">{brake.reason}</p>
      <p>
        {brake.createdBy ?? 'Somebody'} put it on, <Time at={new Date(brake.createdAt)} zone={zone} />.{' '}
        {brake.until ? (
          <>
            It ends by itself <Time at={new Date(brake.until)} zone={zone} />.
          </>
        ) : (
          'It stays on until somebody takes it off.'
        )}
      </p>
    </NeedCard>
  )
}
