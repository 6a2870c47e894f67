import type { ComposerSheet, Showing } from '../../src/content/composer.ts'
import { limits } from '../../src/content/schema.ts'
import type { Html } from '../html.ts'
import { Button, Check, Counter, Icon, Paper, SheetPart } from '../ui/index.tsx'
import type { Errors } from './sheet.tsx'
import { isWide, shortName } from './words.ts'

interface Place {
  sheet: ComposerSheet
  here: string
  errors: Errors
}

/** The parts after the first, each with its own counters, and the first comment. */
export function ThreadParts({ sheet, here, errors }: Place): Html {
  const { parts, comment } = sheet.typed
  const of = parts.length + 1
  return (
    <>
      <div id="thread" class="thread">
        {parts.map((text, at) => (
          <section class="part" id={`part-${at + 2}`} aria-label={`Part ${at + 2} of ${of}`}>
            <PartHead here={here} part={at + 2} of={of} />
            <Paper
              size="part"
              name={`part.${at + 2}`}
              id={`f-part-${at + 2}`}
              label={`Text of part ${at + 2}`}
              placeholder="How does it go on?"
              value={text}
              error={errors[`part.${at + 2}`]}
              counters={<PartCounters sheet={sheet} text={text} field={`f-part-${at + 2}`} />}
            />
          </section>
        ))}
        {of <= limits.thread && (
          <div class="part-add" id="thread-end">
            <Button
              size="small"
              variant="quiet"
              icon="plus"
              name="_part"
              value="add"
              formaction={`${here}/arrangement`}
            >
              {parts.length === 0 ? 'Go on in a thread' : 'Add a part'}
            </Button>
            {parts.length > 0 && (
              <small class="faint">
                Where there are no threads, such as on the own feed, all parts become one post.
              </small>
            )}
          </div>
        )}
      </div>
      <details class="variant" id="first-comment" open={comment !== '' || Boolean(errors.comment)}>
        <summary>
          <Icon name="reply" />
          <span>First comment</span>
          <small>{comment.trim() === '' ? 'none' : 'once the post is out'}</small>
          <Icon name="chevron-down" />
        </summary>
        <Paper
          size="variant"
          name="comment"
          id="f-first-comment"
          label="First comment"
          placeholder="Answers the post as soon as it is out: a link, a source, the tags"
          value={comment}
          error={errors.comment}
          counters={<CommentCounters sheet={sheet} />}
        />
      </details>
    </>
  )
}

/** What stands above the text for everywhere once it is the first of several. */
export function FirstPartHead({ of }: { of: number }): Html {
  return (
    <div class="part-head part-first">
      <small class="num">Part 1 of {of}</small>
    </div>
  )
}

function PartHead({ here, part, of }: { here: string; part: number; of: number }): Html {
  const act = (what: string) => ({
    size: 'small' as const,
    variant: 'quiet' as const,
    name: '_part',
    value: `${what}:${part}`,
    formaction: `${here}/arrangement`,
  })
  return (
    <div class="part-head">
      <small class="num">
        Part {part} of {of}
      </small>
      <Button {...act('earlier')} icon="arrow-up" label={`Move part ${part} up`} />
      <Button {...act('remove')} icon="trash-2" label={`Remove part ${part}`} />
    </div>
  )
}

/** How much of each picked account's length a part takes, where the account has no parts of its own. */
export function PartCounters({
  sheet,
  text,
  field,
}: {
  sheet: ComposerSheet
  text: string
  field: string
}): Html {
  return (
    <CountersOf sheet={sheet} text={text} field={field} own={id => Boolean(sheet.typed.own[id]?.thread)} />
  )
}

export function CommentCounters({ sheet }: { sheet: ComposerSheet }): Html {
  const own = (id: string) => Boolean(sheet.typed.own[id]?.quiet || sheet.typed.own[id]?.comment.trim())
  return <CountersOf sheet={sheet} text={sheet.typed.comment} field="f-first-comment" own={own} />
}

function CountersOf({
  sheet,
  text,
  field,
  own,
}: {
  sheet: ComposerSheet
  text: string
  field: string
  own(accountId: string): boolean
}): Html {
  const all = sheet.showings.map(({ account }) => account)
  return (
    <>
      {all
        .filter(
          account => sheet.typed.accounts.includes(account.id) && !isWide(account.limits) && !own(account.id),
        )
        .map(account => (
          <Counter text={text} limits={account.limits.text} field={field} label={shortName(account, all)} />
        ))}
    </>
  )
}

/** What one account gets of the thread and the first comment instead. */
export function OwnThread({ sheet, here, errors, showing }: Place & { showing: Showing }): Html | null {
  const { account } = showing
  const { typed } = sheet
  const mine = typed.own[account.id]
  const thread = mine?.thread ?? null
  const act = (what: string) => ({
    size: 'small' as const,
    variant: 'quiet' as const,
    name: '_part',
    value: what,
    formaction: `${here}/arrangement`,
  })
  const count = { limits: account.limits.text, label: account.handle || account.name }
  return (
    <>
      {thread && <input type="hidden" name={`ownThread.${account.id}`} value="own" />}
      {thread?.map(({ text, media }, at) => {
        const name = `ownPart.${account.id}.${at + 2}`
        const field = `f-own-${account.id}-${at + 2}`
        return (
          <section class="part" aria-label={`Part ${at + 2} for ${account.name}`}>
            <div class="part-head">
              <small class="num">Part {at + 2}</small>
              {media.length > 0 && (
                <small class="faint">
                  with {media.length} {media.length === 1 ? 'picture' : 'pictures'}
                </small>
              )}
              <Button
                {...act(`remove:${account.id}:${at + 2}`)}
                icon="trash-2"
                label={`Remove part ${at + 2} for ${account.name}`}
              />
            </div>
            <input type="hidden" name={`ownMedia.${account.id}.${at + 2}`} value={media.join(' ')} />
            <Paper
              size="variant"
              name={name}
              id={field}
              label={`Part ${at + 2} for ${account.name}`}
              value={text}
              error={errors[name]}
              counters={<Counter text={text} field={field} {...count} />}
            />
          </section>
        )
      })}
      {(typed.parts.length > 0 || thread) && (
        <SheetPart>
          <div class="part-add">
            {thread?.length === 0 && <small>This account gets the first part only.</small>}
            {thread ? (
              <>
                <Button {...act(`add:${account.id}`)} icon="plus">
                  Add a part
                </Button>
                <Button {...act(`same:${account.id}`)} icon="undo-2">
                  The same parts as everywhere
                </Button>
              </>
            ) : (
              <>
                <Button {...act(`own:${account.id}`)} icon="pen-line">
                  Other words for the parts
                </Button>
                <Button {...act(`first-only:${account.id}`)} icon="x">
                  Only the first part here
                </Button>
              </>
            )}
          </div>
        </SheetPart>
      )}
      {(typed.comment.trim() !== '' || mine?.comment || mine?.quiet) && (
        <>
          <Paper
            size="variant"
            name={`comment.${account.id}`}
            id={`f-comment-${account.id}`}
            label={`First comment for ${account.name}`}
            placeholder="First comment: the same as everywhere"
            value={mine?.comment ?? ''}
            error={errors[`comment.${account.id}`]}
            counters={
              !isWide(account.limits) && (
                <Counter text={mine?.comment ?? ''} field={`f-comment-${account.id}`} {...count} />
              )
            }
          />
          <SheetPart>
            <Check
              name={`quiet.${account.id}`}
              id={`f-quiet-${account.id}`}
              label="No first comment here"
              checked={mine?.quiet}
            />
          </SheetPart>
        </>
      )}
    </>
  )
}
