import type { ComposerSheet, Showing } from '../../src/content/composer.ts'
import type { Frame } from '../../src/http/desk.ts'
import type { Html } from '../html.ts'
import {
  AccountPicker,
  Choices,
  Counter,
  Field,
  Icon,
  Paper,
  Sheet,
  SheetPart,
  Variant,
} from '../ui/index.tsx'
import { PictureParts } from './pictures.tsx'
import { ScheduleBar } from './schedule.tsx'
import { FirstPartHead, OwnThread, ThreadParts } from './thread.tsx'
import { accountName, isWide, shortName } from './words.ts'

export type Errors = Readonly<Record<string, string>>

/** The parts of a draft, from the accounts it is for to the moment it goes out. */
export function DraftSheet({
  frame,
  sheet,
  here,
  generates,
  errors,
}: {
  frame: Frame
  sheet: ComposerSheet
  here: string
  /** Whether a ComfyUI is connected that draws pictures. */
  generates: boolean
  errors: Errors
}): Html {
  const { typed, showings } = sheet
  const all = showings.map(({ account }) => account)
  return (
    <Sheet>
      <AccountPicker
        accounts={showings.map(({ account, picked }) => ({
          id: account.id,
          name: accountName(account, all),
          platform: account.platform,
          checked: picked,
          disabled: account.state === 'reconnect' ? 'reconnect first' : undefined,
        }))}
        error={errors.accounts}
      />
      {typed.parts.length > 0 && <FirstPartHead of={typed.parts.length + 1} />}
      <Paper
        name="text"
        label="Text for everywhere"
        value={typed.text}
        placeholder="What do you want to say?"
        error={errors.text}
        counters={<Counters sheet={sheet} />}
      />
      <ThreadParts sheet={sheet} here={here} errors={errors} />
      <OwnWords sheet={sheet} here={here} errors={errors} />
      <PictureParts
        base={`/w/${frame.workspace.slug}`}
        sheet={sheet}
        here={here}
        generates={generates}
        errors={errors}
      />
      <SheetPart>
        <Field
          name="tags"
          label="Tags"
          hint="Divided by commas. For finding things here; they are not published."
          value={typed.tags}
          error={errors.tags}
          width="wide"
          suggestions={sheet.tags}
        />
      </SheetPart>
      <ScheduleBar frame={frame} sheet={sheet} here={here} errors={errors} />
    </Sheet>
  )
}

/** How much of each picked account's length the text for everywhere takes. */
export function Counters({ sheet }: { sheet: ComposerSheet }): Html {
  const all = sheet.showings.map(({ account }) => account)
  const counted = sheet.showings.filter(
    ({ account, picked, own, text }) =>
      picked && !(own && text !== sheet.typed.text) && (!isWide(account.limits) || text.length > 40_000),
  )
  return (
    <>
      {counted.map(({ account }) => (
        <Counter
          text={sheet.typed.text}
          limits={account.limits.text}
          field="f-text"
          label={shortName(account, all)}
        />
      ))}
    </>
  )
}

interface OwnPlace {
  sheet: ComposerSheet
  here: string
  errors: Errors
}

/** Every account's own words, folded away while they are the same as everywhere. */
function OwnWords({ sheet, here, errors }: OwnPlace): Html | null {
  const shown = [...sheet.showings].sort((a, b) => Number(b.picked) - Number(a.picked))
  if (shown.length < 2 && !shown.some(({ own }) => own)) return null
  const all = shown.map(({ account }) => account)
  const wrong = Object.keys(errors)
  const changed = shown.filter(({ own, account }) => own || wrong.some(name => name.includes(account.id)))
  return (
    <details class="variant" open={changed.length > 0}>
      <summary>
        <span>Other words for one account</span>
        <small class={changed.length > 0 ? 'review' : undefined}>
          {changed.length > 0
            ? changed.map(({ account }) => accountName(account, all)).join(', ')
            : 'the same everywhere'}
        </small>
        <Icon name="chevron-down" />
      </summary>
      {shown.map(showing => (
        <OneAccount sheet={sheet} here={here} showing={showing} errors={errors} />
      ))}
    </details>
  )
}

function OneAccount({ sheet, here, showing, errors }: OwnPlace & { showing: Showing }): Html {
  const { account, own, problem, picked } = showing
  const all = sheet.showings.map(showing => showing.account)
  const mine = sheet.typed.own[account.id]
  const words = `words.${account.id}`
  const wrong = errors[words]
  const pictures = sheet.pictures.filter(({ id }) => sheet.firstPictures.includes(id))
  const note = own ? 'own words' : problem && picked ? 'too much for it as it is' : 'same'
  return (
    <Variant
      platform={account.platform}
      name={accountName(account, all)}
      note={note}
      changed={own || Boolean(wrong)}
    >
      <Paper
        size="variant"
        name={words}
        id={`f-words-${account.id}`}
        label={`Words for ${account.name}`}
        placeholder="The same as everywhere"
        value={mine?.text ?? ''}
        error={wrong}
        counters={
          <Counter
            text={mine?.text ?? ''}
            limits={account.limits.text}
            field={`f-words-${account.id}`}
            label={account.handle || account.name}
          />
        }
      />
      {pictures.length > 0 && (
        <div class="sheet-part">
          <input type="hidden" name={`pictures.${account.id}`} value="" />
          <Choices
            kind="checkbox"
            name={`pictures.${account.id}`}
            id={`f-pictures-${account.id}`}
            label="Pictures for this account"
            options={pictures.map((picture, at) => ({
              value: picture.id,
              label: `${at + 1}. ${sheet.typed.alts[picture.id] || picture.alt || picture.name || 'Picture'}`,
            }))}
            value={mine?.media ?? sheet.firstPictures}
            error={errors[`pictures.${account.id}`]}
          />
        </div>
      )}
      <OwnThread sheet={sheet} here={here} errors={errors} showing={showing} />
    </Variant>
  )
}
