import type { ComposerSheet } from '../../src/content/composer.ts'
import type { Frame } from '../../src/http/desk.ts'
import type { Html } from '../html.ts'
import { LatePart } from '../publishing/late.tsx'
import { RepeatPart } from '../recurrences/repeat.tsx'
import { ActionBar, Button, Choices, Field, FieldRow, Popover, Select, SheetPart } from '../ui/index.tsx'
import type { Errors } from './sheet.tsx'

/** The foot of the sheet: when it goes out, and the buttons. All of them save what was typed first. */
export function ScheduleBar({
  frame,
  sheet,
  here,
  errors,
}: {
  frame: Frame
  sheet: ComposerSheet
  here: string
  errors: Errors
}): Html {
  const { typed, rights, piece } = sheet
  const home = frame.workspace.zone
  const known = sheet.zones.includes(typed.zone) ? sheet.zones : [typed.zone, ...sheet.zones]
  const open = !piece || piece.state === 'draft' || piece.state === 'changes_requested'
  return (
    <SheetPart tone="sunk">
      {rights.schedule && (
        <>
          <FieldRow>
            <Field
              type="datetime-local"
              name="local"
              label="Goes out on"
              value={typed.local}
              error={errors.local}
              optional={false}
            />
            <Select
              name="zone"
              label="Time zone"
              value={typed.zone}
              error={errors.zone}
              options={known.map(name => ({ value: name, label: name === home ? `${name} (home)` : name }))}
              required
            />
          </FieldRow>
          {(errors.fold || typed.fold) && (
            <Choices
              kind="radio"
              name="fold"
              label="The clocks go back on that day, so this time happens twice. Which one?"
              options={[
                { value: 'first', label: 'The first', hint: 'before the clocks go back' },
                { value: 'second', label: 'The second', hint: 'an hour later, after the clocks went back' },
              ]}
              value={typed.fold}
              error={errors.fold}
            />
          )}
        </>
      )}
      {rights.schedule && (
        <div class="folds">
          <RepeatPart repeat={typed.repeat} errors={errors} />
          <LatePart name="_late" usual={frame.workspace.lateMinutes} error={errors.lateMinutes} />
        </div>
      )}
      <ActionBar>
        {rights.schedule && (
          <div class="action-group">
            <Button variant="main" icon="clock" name="when" value="at" formaction={`${here}/publish-jobs`}>
              Schedule
            </Button>
            <Button icon="calendar-plus" name="when" value="slot" formaction={`${here}/publish-jobs`}>
              Next free slot
            </Button>
            <Popover label="Publish now" icon="send">
              <p>It goes out at once and cannot be called back.</p>
              <div class="buttons">
                <Button variant="main" name="when" value="now" formaction={`${here}/publish-jobs`}>
                  Send it out now
                </Button>
              </div>
            </Popover>
          </div>
        )}
        <div class="action-group">
          <Button variant={rights.schedule || open ? 'plain' : 'main'}>Save</Button>
          {open && (
            <Button
              variant={rights.schedule ? 'plain' : 'main'}
              icon="folder-check"
              formaction={`${here}/submission`}
            >
              Send to review
            </Button>
          )}
        </div>
      </ActionBar>
      <Explained sheet={sheet} />
    </SheetPart>
  )
}

function Explained({ sheet }: { sheet: ComposerSheet }): Html | null {
  const { piece, approvalRequired, rights, jobs } = sheet
  const waiting = jobs.filter(({ state }) => state === 'scheduled' || state === 'held').length
  if (piece?.state === 'approved')
    return (
      <small>
        Version {piece.version} is approved. Other words make it a draft again
        {approvalRequired && waiting > 0 ? ', and what is planned waits for the next approval' : ''}.
      </small>
    )
  if (approvalRequired && rights.schedule)
    return <small>What you plan here goes out once it is approved.</small>
  if (!rights.schedule) return <small>An editor schedules it once it is ready.</small>
  return null
}
