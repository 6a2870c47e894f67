import type { Repeat } from '../../src/recurrences/form.ts'
import type { Html } from '../html.ts'
import { Choices, Field, FieldRow, Icon, Select } from '../ui/index.tsx'

type Errors = Readonly<Record<string, string>>

const options: readonly { value: Repeat['every']; label: string }[] = [
  { value: 'day', label: 'Every day' },
  { value: 'workdays', label: 'Monday to Friday' },
  { value: 'week', label: 'Every week' },
  { value: 'fortnight', label: 'Every 2 weeks' },
  { value: 'month', label: 'Every month on that date' },
  { value: 'month-weekday', label: 'Every month on that weekday' },
  { value: 'month-last', label: 'Every month on the last day' },
  { value: 'year', label: 'Every year' },
]
const days = [
  ['MO', 'Mon'],
  ['TU', 'Tue'],
  ['WE', 'Wed'],
  ['TH', 'Thu'],
  ['FR', 'Fri'],
  ['SA', 'Sat'],
  ['SU', 'Sun'],
] as const

/** How often, on which days, until when. `blank` says what an empty choice means. */
export function RepeatFields({
  repeat,
  errors,
  blank,
}: {
  repeat: Repeat
  errors: Errors
  blank: string
}): Html {
  return (
    <>
      <FieldRow>
        <Select
          name="every"
          label="How often"
          value={repeat.every}
          blank={blank}
          options={options}
          error={errors.every}
          optional={false}
        />
        <Field type="date" name="until" label="Until" value={repeat.until} error={errors.until} />
        <Field
          type="number"
          name="times"
          label="Times"
          hint="Leave both empty for no end."
          min="1"
          max="1000"
          value={repeat.times}
          error={errors.times}
        />
      </FieldRow>
      <div class="weekdays">
        <Choices
          kind="checkbox"
          name="days"
          label="Days of the week"
          hint="For every week or two; none is the day of the first."
          options={days.map(([value, label]) => ({ value, label }))}
          value={repeat.days}
          error={errors.days}
        />
      </div>
    </>
  )
}

/** The same, folded away in the composer while a post goes out once. */
export function RepeatPart({ repeat, errors }: { repeat: Repeat; errors: Errors }): Html {
  const open = repeat.every !== '' || ['every', 'until', 'times', 'days'].some(name => errors[name])
  return (
    <details class="fold" open={open}>
      <summary>
        <span>Repeat</span>
        <small class={repeat.every === '' ? undefined : 'review'}>
          {options.find(({ value }) => value === repeat.every)?.label.toLowerCase() ?? 'it goes out once'}
        </small>
        <Icon name="chevron-down" />
      </summary>
      <div class="form">
        <RepeatFields repeat={repeat} errors={errors} blank="Once" />
        <p class="faint">
          Each time goes out what is saved by then. A month or year without that day is left out.
        </p>
      </div>
    </details>
  )
}
