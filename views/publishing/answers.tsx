import type { Html } from '../html.ts'
import { ActionButton, Button, Buttons, Confirm, Field, Popover } from '../ui/index.tsx'

/** The answers to "Did this go out?". `back` is the page that the form returns to, when it is not the job's own. */
export function UnconfirmedAnswers({
  base,
  id,
  back,
}: {
  base: string
  id: string
  back?: string | undefined
}): Html {
  const action = `${base}/publish-jobs/${id}/resolution`
  const where = back === undefined ? {} : { _back: back }
  return (
    <>
      <Popover label="It is there" icon="check" variant="main">
        <form method="post" action={action} class="form">
          <input type="hidden" name="as" value="published" />
          {back !== undefined && <input type="hidden" name="_back" value={back} />}
          <Field
            type="url"
            name="remoteUrl"
            id={`address-${id}`}
            label="Its address"
            hint="So that the post links there"
            placeholder="https://"
          />
          <Buttons>
            <Button variant="main">Yes, it is there</Button>
            <Button type="button" variant="quiet" data-close="" hidden>
              Cancel
            </Button>
          </Buttons>
        </form>
      </Popover>
      <Confirm
        label="Send again"
        icon="rotate-ccw"
        variant="plain"
        question="Have you looked? If it did go out, it will be there twice."
        action={action}
        fields={{ as: 'retry', ...where }}
        yes="Send it again"
        yesVariant="main"
      />
      <Confirm
        label="Give up"
        question="Count it as failed? Nothing more is sent."
        action={action}
        fields={{ as: 'abandon', ...where }}
        yes="Give up"
      />
    </>
  )
}

/** The first answer to a job whose moment passed unsent; the others are another time, and cancelling it. */
export function SendLate({ base, id, back }: { base: string; id: string; back?: string | undefined }): Html {
  return (
    <Confirm
      label="Send it now"
      icon="send"
      variant="main"
      question="Is what it says still right now? Its moment has passed."
      action={`${base}/publish-jobs/${id}/resolution`}
      fields={{ as: 'retry', ...(back === undefined ? {} : { _back: back }) }}
      yes="Send it now"
      yesVariant="main"
    />
  )
}

/** Sends a failed job again: certain not to double it, because a failed post is not there. */
export function RetryButton({
  base,
  id,
  back,
}: {
  base: string
  id: string
  back?: string | undefined
}): Html {
  return (
    <ActionButton
      action={`${base}/publish-jobs/${id}/resolution`}
      fields={{ as: 'retry', ...(back === undefined ? {} : { _back: back }) }}
      icon="rotate-ccw"
      variant="main"
    >
      Try again
    </ActionButton>
  )
}
