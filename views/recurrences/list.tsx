import type { SocialAccount } from '../../src/accounts/find.ts'
import type { Frame } from '../../src/http/desk.ts'
import type { Recurrence } from '../../src/recurrences/schema.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import { firstWords } from '../publishing/words.ts'
import {
  Block,
  EmptyState,
  Icon,
  Line,
  LinkButton,
  PageHead,
  Pager,
  PlatformMark,
  Row,
  Rows,
  Time,
} from '../ui/index.tsx'

/** Everything that goes out again and again. */
export function RecurrencesPage({
  frame,
  items,
  next,
  accounts,
  openings,
}: {
  frame: Frame
  items: readonly Recurrence[]
  next: string | null
  accounts: readonly SocialAccount[]
  openings: ReadonlyMap<string, string>
}): Html {
  const base = `/w/${frame.workspace.slug}`
  return (
    <Layout {...frame} title="What repeats" live={['recurrence', 'publish_job']}>
      <PageHead
        title="What repeats"
        back={{ href: `${base}/calendar`, label: 'Calendar' }}
        note="Posts that go out by a rule. Each time goes out what is saved by then."
      />
      <div class="column">
        {items.length === 0 ? (
          <EmptyState
            icon="repeat-2"
            title="Nothing repeats yet"
            action={
              frame.canWrite && (
                <LinkButton href={`${base}/content/new`} variant="main" icon="plus">
                  New post
                </LinkButton>
              )
            }
          >
            Write a post, choose its first day and time, and open “Repeat” below them.
          </EmptyState>
        ) : (
          <Rows label="Recurrences, newest first">
            {items.map(one => (
              <Row
                href={`${base}/recurrences/${one.id}`}
                title={firstWords(openings.get(one.contentId) ?? '', 90) || 'No words'}
                meta={
                  <>
                    <p>{one.words}</p>
                    <Line
                      parts={accounts
                        .filter(({ id }) => one.accounts.includes(id))
                        .map(({ platform, name }) => <PlatformMark platform={platform} name={name} />)}
                    />
                  </>
                }
                mark={<Standing recurrence={one} />}
              />
            ))}
          </Rows>
        )}
        <Pager next={next && `${base}/recurrences?cursor=${encodeURIComponent(next)}`} />
      </div>
    </Layout>
  )
}

const stoppedWords = {
  person: 'Stopped',
  change: 'Changed to another',
  archive: 'Stopped: its post is archived',
  accounts: 'Stopped: no account is left',
} as const

/** How it stands: its next moment, or why there is none. */
export function Standing({ recurrence }: { recurrence: Recurrence }): Html {
  const { state, stoppedFor, upcoming, start } = recurrence
  const next = upcoming.find(one => !one.skipped)
  if (state === 'active' && next)
    return (
      <span class="mark scheduled">
        <Icon name="repeat-2" /> <Time at={next.at} zone={start.zone} />
      </span>
    )
  return (
    <span class="mark draft">
      <Icon name={state === 'ended' ? 'check' : 'ban'} />{' '}
      {state === 'stopped' && stoppedFor
        ? stoppedWords[stoppedFor]
        : state === 'ended'
          ? 'Ended'
          : 'All skipped'}
    </span>
  )
}

/** The rules of one piece, on its page. */
export function RulesOfPiece({
  base,
  recurrences,
}: {
  base: string
  recurrences: readonly Recurrence[]
}): Html | null {
  if (recurrences.length === 0) return null
  return (
    <Block title="It repeats" id="repeats" more={{ href: `${base}/recurrences`, label: 'What repeats' }}>
      <Rows label="Recurrences of this post">
        {recurrences.map(one => (
          <Row
            href={`${base}/recurrences/${one.id}`}
            title={one.words}
            mark={<Standing recurrence={one} />}
          />
        ))}
      </Rows>
    </Block>
  )
}
