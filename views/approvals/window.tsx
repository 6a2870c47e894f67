import type { TimeWindow } from '../../src/approvals/window.ts'
import type { Rejected } from '../../src/http/form.ts'
import type { Html } from '../html.ts'
import { Button, ErrorSummary, Field, Icon, Time } from '../ui/index.tsx'

/** `between Tue 1 Dec, 09:00 and Sat 5 Dec, 18:00 Berlin`: the rest of "It may go out …". */
export function WindowTimes({ window, zone }: { window: TimeWindow; zone: string }): Html {
  const { from, until } = window
  if (from && until)
    return (
      <>
        between <Time at={from} zone={zone} bare /> and <Time at={until} zone={zone} />
      </>
    )
  return from ? (
    <>
      from <Time at={from} zone={zone} /> on
    </>
  ) : (
    <>
      before <Time at={until ?? ''} zone={zone} />
    </>
  )
}

/** What a reviewer says who approves for a time only, folded away. */
export function ApproveWithin({
  action,
  fields,
  zone,
  id,
  rejected,
}: {
  action: string
  fields: Readonly<Record<string, string>>
  zone: string
  /** Sets it apart from the others of a page. */
  id: string
  rejected?: Rejected | undefined
}): Html {
  const typed = (name: string): string => {
    const value = rejected?.values[name]
    return typeof value === 'string' ? value : ''
  }
  const wrong = rejected?.errors ?? {}
  return (
    <details class="popover popover-start answer" data-popover open={rejected !== undefined}>
      <summary class="btn btn-quiet">
        <Icon name="clock" /> Only within a time window
      </summary>
      <form class="popover-panel" method="post" action={action} data-guard>
        {Object.entries(fields).map(([name, value]) => (
          <input type="hidden" name={name} value={value} />
        ))}
        {rejected && !wrong.from && !wrong.until && <ErrorSummary errors={{ '': rejected.message }} />}
        <Field
          type="datetime-local"
          name="from"
          id={`f-from-${id}`}
          label="Not before"
          value={typed('from')}
          error={wrong.from}
          autofocus={wrong.from !== undefined}
        />
        <Field
          type="datetime-local"
          name="until"
          id={`f-until-${id}`}
          label="Out before"
          hint={`In ${zone}. Outside of these times it does not go out, and waits for approval again.`}
          value={typed('until')}
          error={wrong.until}
          autofocus={wrong.until !== undefined}
        />
        <div class="buttons">
          <Button variant="main" icon="check">
            Approve for that time
          </Button>
        </div>
      </form>
    </details>
  )
}
