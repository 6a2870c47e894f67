import type { Rejected } from '../../src/http/form.ts'
import type { JobRow } from '../../src/publishing/rows.ts'
import type { Html } from '../html.ts'
import { Block, Button, Buttons, Choices, Field, FieldRow, Form, Select } from '../ui/index.tsx'
import { LateSelect } from './late.tsx'

const zones: readonly string[] = [...new Set([...Intl.supportedValuesOf('timeZone'), 'UTC'])].sort()

/**
 * Moves a job to another moment: wall time and zone, as they were planned. Where that time happens twice, the form comes
 * back and asks which of the two. The form's fields may be refused by the bare name or below `at`.
 */
export function MoveForm({
  base,
  row,
  zone,
  own,
  usual,
  hasSlots,
  rejected,
}: {
  base: string
  row: JobRow
  zone: string
  /** Its own limit of being late, and the workspace's, in minutes. */
  own: number | null
  usual: number
  /** Its account has weekly slots, so that it can have the next free one. */
  hasSlots: boolean
  rejected?: Rejected | undefined
}): Html {
  const typed = (name: string): string | undefined => {
    const value = rejected?.values[name]
    return typeof value === 'string' ? value : value?.at(-1)
  }
  const wrong = (name: string): string | undefined => rejected?.errors[name] ?? rejected?.errors[`at.${name}`]
  const chosen = typed('zone') ?? row.zone
  const known = zones.includes(chosen) ? zones : [chosen, ...zones]
  const asked = wrong('fold') !== undefined || typed('fold') !== undefined
  return (
    <Block title="Another time" id="move">
      <Form action={`${base}/publish-jobs/${row.id}/time`} errors={rejected && { '': rejected.message }}>
        <FieldRow>
          <Field
            type="datetime-local"
            name="local"
            label="Day and time"
            value={typed('local') ?? row.local.slice(0, 16)}
            error={wrong('local')}
            required
          />
          <Select
            name="zone"
            label="Time zone"
            value={chosen}
            error={wrong('zone')}
            options={known.map(name => ({
              value: name,
              label: name === zone ? `${name} (home)` : name,
            }))}
            required
          />
        </FieldRow>
        <LateSelect
          name="lateMinutes"
          value={typed('lateMinutes') ?? (own === null ? '' : String(own))}
          usual={usual}
          error={wrong('lateMinutes')}
        />
        {asked && (
          <Choices
            kind="radio"
            name="fold"
            label="This time happens twice on that day. Which one?"
            options={[
              { value: 'first', label: 'The first', hint: 'before the clocks go back' },
              { value: 'second', label: 'The second', hint: 'an hour later, after the clocks went back' },
            ]}
            value={typed('fold')}
            error={wrong('fold')}
            required
          />
        )}
        <Buttons>
          <Button icon="clock">Move it</Button>
          {hasSlots && (
            <Button icon="calendar-plus" variant="quiet" form="next-slot">
              To the next free slot
            </Button>
          )}
        </Buttons>
      </Form>
      {hasSlots && <form id="next-slot" method="post" action={`${base}/publish-jobs/${row.id}/slot`} />}
    </Block>
  )
}
