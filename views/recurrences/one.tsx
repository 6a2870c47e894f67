import type { SocialAccount } from '../../src/accounts/find.ts'
import type { Frame } from '../../src/http/desk.ts'
import type { Rejected } from '../../src/http/form.ts'
import { dayInWords } from '../../src/lib/dates.ts'
import type { Repeat } from '../../src/recurrences/form.ts'
import type { Recurrence, Upcoming } from '../../src/recurrences/schema.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import { firstWords } from '../publishing/words.ts'
import {
  ActionButton,
  Block,
  Button,
  Buttons,
  Columns,
  Confirm,
  EmptyState,
  Field,
  FieldRow,
  Form,
  Line,
  Meta,
  PageHead,
  PlatformMark,
  Row,
  Rows,
  Select,
  StateMark,
  Time,
} from '../ui/index.tsx'
import { Standing } from './list.tsx'
import { RepeatFields } from './repeat.tsx'

export interface RecurrencePageProps {
  frame: Frame
  recurrence: Recurrence
  /** How its text begins. */
  opening: string
  accounts: readonly SocialAccount[]
  maySchedule: boolean
  change?: Rejected | undefined
  /** What stands in the fields of the change about repeating. */
  repeat: Repeat
}

/** One recurrence: what is to come of it, and how to skip, change or stop it. */
export function RecurrencePage(props: RecurrencePageProps): Html {
  const { frame, recurrence, opening, accounts, maySchedule } = props
  const base = `/w/${frame.workspace.slug}`
  const here = `${base}/recurrences/${recurrence.id}`
  const open = maySchedule && recurrence.state === 'active'
  const own = accounts.filter(({ id }) => recurrence.accounts.includes(id))
  return (
    <Layout {...frame} title={recurrence.words} live={['recurrence', 'publish_job', 'account']}>
      <PageHead
        title={recurrence.words}
        back={{ href: `${base}/recurrences`, label: 'What repeats' }}
        mark={<Standing recurrence={recurrence} />}
        actions={
          open && (
            <Confirm
              label="Stop it"
              icon="ban"
              variant="plain"
              align="end"
              question="Stop it? What is planned of it is cancelled. What is out stays out."
              action={`${here}/stop`}
              yes="Stop it"
            />
          )
        }
      />
      <Columns
        aside={
          <Block title="About it">
            <Meta
              items={[
                {
                  term: 'Post',
                  value: (
                    <a href={`${base}/content/${recurrence.contentId}`}>
                      {firstWords(opening, 90) || 'No words'}
                    </a>
                  ),
                },
                {
                  term: 'Accounts',
                  value: own.length > 0 && (
                    <Line
                      parts={own.map(({ id, platform, name }) => (
                        <a href={`${base}/accounts/${id}`}>
                          <PlatformMark platform={platform} name={name} />
                        </a>
                      ))}
                    />
                  ),
                },
                { term: 'From', value: spoken(recurrence.start.local) },
                { term: 'Time zone', value: recurrence.start.zone },
                { term: 'Rule', value: <code>{recurrence.rule}</code> },
              ]}
            />
            <p class="block-after">
              Each time goes out what is saved by then. The next five weeks are planned; later ones follow by
              themselves.
            </p>
          </Block>
        }
        asideFirst={props.change !== undefined}
      >
        <Block title="To come">
          {recurrence.upcoming.length === 0 ? (
            <EmptyState icon="repeat-2" title="Nothing more is to come">
              What went out is in the calendar.
            </EmptyState>
          ) : (
            <Rows label="The next occurrences" id="to-come">
              {recurrence.upcoming.map(one => (
                <ToCome
                  base={base}
                  here={here}
                  one={one}
                  zone={recurrence.start.zone}
                  open={open}
                  accounts={own}
                />
              ))}
            </Rows>
          )}
        </Block>
        {open && <Change {...props} here={here} />}
      </Columns>
    </Layout>
  )
}

/** `Mon, 7 Dec 2026, 08:30` */
const spoken = (local: string): string =>
  `${dayInWords(local.slice(0, 10), { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' })}, ${local.slice(11)}`

function ToCome({
  base,
  here,
  one,
  zone,
  open,
  accounts,
}: {
  base: string
  here: string
  one: Upcoming
  zone: string
  open: boolean
  accounts: readonly SocialAccount[]
}): Html {
  const waiting =
    one.jobs.length === 0 || one.jobs.some(({ state }) => state === 'scheduled' || state === 'held')
  return (
    <Row
      title={<Time at={one.at} zone={zone} />}
      meta={
        <>
          {one.local !== one.occurrence && (
            <p>
              The clocks skip {one.occurrence.slice(11)} on that day, so it goes out at {one.local.slice(11)}.
            </p>
          )}
          {!one.skipped && one.jobs.length > 0 && (
            <Line
              parts={one.jobs.map(job => {
                const account = accounts.find(({ id }) => id === job.accountId)
                return (
                  account && (
                    <a href={`${base}/publish-jobs/${job.id}`}>
                      <PlatformMark platform={account.platform} name={account.name} />
                      {job.state !== 'scheduled' && (
                        <>
                          {' '}
                          <StateMark state={job.state} />
                        </>
                      )}
                    </a>
                  )
                )
              })}
            />
          )}
        </>
      }
      mark={one.skipped ? <StateMark state="cancelled">Skipped</StateMark> : undefined}
      actions={
        open &&
        (one.skipped || waiting) && (
          <ActionButton
            action={one.skipped ? `${here}/skips/removal` : `${here}/skips`}
            fields={{ occurrence: one.occurrence }}
            size="small"
            variant="quiet"
          >
            {one.skipped ? 'Take back' : 'Skip'}
          </ActionButton>
        )
      }
    />
  )
}

function Change({ recurrence, change, repeat, here }: RecurrencePageProps & { here: string }): Html {
  const typed = (name: string) => {
    const value = change?.values[name]
    return typeof value === 'string' ? value : undefined
  }
  const errors = change?.errors ?? {}
  return (
    <Block
      title="Change it from here on"
      id="change"
      note="What is planned from that day on is cancelled, and a new recurrence begins there."
    >
      <Form action={`${here}/successor`} errors={change && { '': change.message }}>
        <FieldRow>
          <Select
            name="from"
            label="From"
            required
            value={typed('from')}
            error={errors.from}
            options={recurrence.upcoming
              .filter(one => !one.skipped)
              .map(one => ({ value: one.occurrence, label: spoken(one.occurrence) }))}
          />
          <Field
            type="time"
            name="time"
            label={`Time (${recurrence.start.zone})`}
            required
            value={typed('time') ?? recurrence.start.local.slice(11)}
            error={errors.time ?? errors.local}
          />
        </FieldRow>
        <RepeatFields repeat={repeat} errors={errors} blank="As it is" />
        <Buttons>
          <Button icon="repeat-2">Change it</Button>
        </Buttons>
      </Form>
    </Block>
  )
}
