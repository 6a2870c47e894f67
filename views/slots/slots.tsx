import { type Slot, weekdays } from '../../src/slots/schema.ts'
import type { Html } from '../html.ts'
import { Block, Button, Choices, Field, FieldRow, Form, Icon } from '../ui/index.tsx'

/** An account's times of the week, and a form for more of them. */
export function WeeklySlots({
  base,
  accountId,
  slots,
  zone,
  maySchedule,
}: {
  base: string
  accountId: string
  slots: readonly Slot[]
  /** The workspace's. */
  zone: string
  maySchedule: boolean
}): Html {
  return (
    <Block
      title="Weekly slots"
      id="slots"
      note={`Its usual times of the week. “Next free slot” in a post plans it for the first one that is free. New ones are in ${zone}.`}
    >
      {slots.length === 0 ? (
        <p class="faint">{maySchedule ? 'None yet: add the first below.' : 'None yet.'}</p>
      ) : (
        <dl class="slots">
          {weekdays.map((name, at) => {
            const own = slots.filter(({ weekday }) => weekday === at + 1)
            return own.length === 0 ? null : (
              <div>
                <dt>{name}</dt>
                <dd>
                  {own.map(slot => (
                    <OneSlot base={base} slot={slot} day={name} zone={zone} maySchedule={maySchedule} />
                  ))}
                </dd>
              </div>
            )
          })}
        </dl>
      )}
      {maySchedule && (
        <Form action={`${base}/accounts/${accountId}/slots`}>
          <div class="weekdays">
            <Choices
              kind="checkbox"
              name="weekdays"
              label="Add a time on"
              options={weekdays.map((name, at) => ({ value: String(at + 1), label: name.slice(0, 3) }))}
            />
          </div>
          <FieldRow>
            <Field
              type="time"
              name="local"
              id="slot-time"
              label="Time"
              width="short"
              required
              value="09:00"
            />
            <Button icon="plus">Add</Button>
          </FieldRow>
        </Form>
      )}
    </Block>
  )
}

function OneSlot({
  base,
  slot,
  day,
  zone,
  maySchedule,
}: {
  base: string
  slot: Slot
  day: string
  zone: string
  maySchedule: boolean
}): Html {
  return (
    <form class="slot" method="post" action={`${base}/slots/${slot.id}/removal`}>
      <time class="num">{slot.local}</time>
      {slot.zone !== zone && <small>{slot.zone}</small>}
      {maySchedule && (
        <button
          type="submit"
          aria-label={`Remove ${day} ${slot.local}`}
          title={`Remove ${day} ${slot.local}`}
        >
          <Icon name="x" />
        </button>
      )}
    </form>
  )
}
