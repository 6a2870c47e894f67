import type { BrakeChoices } from '../../src/brakes/find.ts'
import { brakeMinutes } from '../../src/brakes/schema.ts'
import type { Rejected } from '../../src/http/form.ts'
import type { PlatformId } from '../../src/platforms/platform.ts'
import { complaints, typed, wrong } from '../auth/typed.ts'
import type { Html } from '../html.ts'
import { minutesWords, plural } from '../publishing/words.ts'
import { Button, Buttons, Choices, Field, Form, platforms, Select } from '../ui/index.tsx'

const labels = {
  scope: 'What is held',
  account: 'Account',
  tag: 'Tag',
  word: 'Word',
  reason: 'Why',
  minutes: 'How long',
}

/** What a brake is to be on, why, and how long. The field of the kind that is chosen is the one that shows. */
export function BrakeFields({
  base,
  choices,
  rejected,
  id,
}: {
  base: string
  choices: BrakeChoices
  rejected: Rejected | null
  /** Tells the form of a dialog from the page's own. */
  id: string
}): Html {
  const posts = (planned: number) => plural(planned, 'post')
  const { accounts, tags } = choices
  return (
    <Form action={`${base}/brakes`} errors={complaints(rejected, labels)} class="form brake-form">
      <Choices
        kind="radio"
        name="scope"
        id={`${id}-scope`}
        label={labels.scope}
        required
        value={typed(rejected, 'scope', 'workspace')}
        error={wrong(rejected, 'scope')}
        options={[
          {
            value: 'workspace',
            label: 'Everything',
            hint: `The whole workspace: ${posts(choices.planned)} planned now`,
          },
          { value: 'account', label: 'One account', hint: 'Whatever goes to it' },
          {
            value: 'tag',
            label: 'One tag',
            hint: tags.length === 0 ? 'No post has a tag yet' : 'Every post that has it',
            disabled: tags.length === 0,
          },
          { value: 'word', label: 'A word', hint: 'Every post that says it' },
        ]}
      />
      <div class="brake-of brake-of-account">
        <Select
          name="account"
          id={`${id}-account`}
          label={labels.account}
          optional={false}
          value={typed(rejected, 'account')}
          error={wrong(rejected, 'account')}
          options={accounts.map(one => ({
            value: one.id,
            label: `${one.name} (${platforms[one.platform as PlatformId].name}): ${posts(one.planned)}`,
          }))}
        />
      </div>
      {tags.length > 0 && (
        <div class="brake-of brake-of-tag">
          <Select
            name="tag"
            id={`${id}-tag`}
            label={labels.tag}
            optional={false}
            value={typed(rejected, 'tag')}
            error={wrong(rejected, 'tag')}
            options={tags.map(({ tag, planned }) => ({ value: tag, label: `${tag}: ${posts(planned)}` }))}
          />
        </div>
      )}
      <div class="brake-of brake-of-word">
        <Field
          name="word"
          id={`${id}-word`}
          label={labels.word}
          optional={false}
          maxlength={80}
          hint="Or several, as they stand in the post: “autumn roast”. Capitals do not matter."
          value={typed(rejected, 'word')}
          error={wrong(rejected, 'word')}
        />
      </div>
      <Field
        name="reason"
        id={`${id}-reason`}
        label={labels.reason}
        required
        maxlength={500}
        width="wide"
        hint="Everybody sees it on every page, and on each post that is held."
        value={typed(rejected, 'reason')}
        error={wrong(rejected, 'reason')}
      />
      <Select
        name="minutes"
        id={`${id}-minutes`}
        label={labels.minutes}
        blank="Until somebody takes it off"
        optional={false}
        width="medium"
        value={typed(rejected, 'minutes')}
        error={wrong(rejected, 'minutes')}
        options={brakeMinutes.map(minutes => ({ value: String(minutes), label: minutesWords(minutes) }))}
      />
      <Buttons>
        <Button variant="danger" icon="pause">
          Put the brake on
        </Button>
      </Buttons>
    </Form>
  )
}
