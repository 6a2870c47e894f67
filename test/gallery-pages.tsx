import { FeedFront, FeedLayout } from '../views/feed/layout.tsx'
import type { Html } from '../views/html.ts'
import type { Child } from '../views/jsx-runtime.ts'
import { ErrorPage, Layout, type LayoutProps, PlainLayout } from '../views/layout.tsx'
import * as ui from '../views/ui/index.tsx'

const zone = 'Europe/Berlin'
const base = '/w/northwind'
const desk = (title: string, path: string, children: Child, more: Partial<LayoutProps> = {}): Html => (
  <Layout
    title={title}
    workspace={{ slug: 'northwind', name: 'Northwind Coffee', zone }}
    user={{ name: 'Alice Berg', role: 'owner' }}
    path={base + path}
    counts={{ review: 4, notifications: 3 }}
    now="Saturday, 21 November · Berlin, 08:36"
    {...more}
  >
    {children}
  </Layout>
)
const at = (time: string, day = '21'): Html => (
  <ui.Time at={`2026-11-${day}T${time}:00+01:00`} zone={zone} shape="time" bare />
)
const roast =
  'The autumn roast is back. Fig, cedar, a little smoke: we roast on Tuesdays and ship on Wednesdays, so that it reaches you while it still crackles.\n\nThree bags, one postcard from Ines, no plastic. https://northwind.example/autumn #coffee #autumn'
const bluesky = { max: 300, count: 'graphemes' as const }
const mastodon = { max: 500, count: 'mastodon' as const, linkLength: 23 }

const today = (): Html =>
  desk(
    'Today',
    '',
    <>
      <ui.Plate name="Northwind Coffee">
        {'11 went out this week, all on time\nNext: 09:00 Berlin, in 24 minutes'}
      </ui.Plate>
      <ui.Columns
        asideFirst
        aside={
          <ui.Block title="Needs you">
            <ui.NeedCard
              state="unconfirmed"
              kicker="Did this go out?"
              title="Mastodon stopped answering while we were sending “Sunday brunch”."
              actions={
                <>
                  <ui.ActionButton action="#">It is there</ui.ActionButton>
                  <ui.ActionButton action="#">Send again</ui.ActionButton>
                  <ui.LinkButton href="#" variant="quiet" icon="external-link">
                    Open @northwind
                  </ui.LinkButton>
                </>
              }
            >
              <p>We will not send it twice. Have a look, then tell us.</p>
            </ui.NeedCard>
            <ui.NeedCard
              state="in_review"
              kicker="Your approval, until today 13:00 Berlin"
              title="Cupping next Saturday: six seats left"
              actions={
                <ui.LinkButton href="#" variant="main">
                  Review
                </ui.LinkButton>
              }
            >
              <p>Bob changed the picture.</p>
            </ui.NeedCard>
            <ui.NeedCard
              state="reconnect"
              kicker="Reconnect Mastodon"
              actions={<ui.LinkButton href="#">Reconnect</ui.LinkButton>}
            >
              <p>
                social.example took back the permission today at 07:12. Three posts wait for it and stay
                planned.
              </p>
            </ui.NeedCard>
          </ui.Block>
        }
      >
        <ui.Block title="Next out" more={{ href: '#', label: 'Calendar' }}>
          <ui.Rows>
            <ui.Row
              href="#"
              lead={at('09:00')}
              title="Autumn roast is back: notes of fig and cedar"
              meta="Bluesky, Mastodon"
              mark={<ui.StateMark state="scheduled">in 24 min</ui.StateMark>}
            />
            <ui.Row
              href="#"
              lead={at('11:30')}
              title="Behind the bar with Ines, part 2 of 4"
              meta="Own feed"
              mark={<ui.StateMark state="scheduled">in 2 h</ui.StateMark>}
            />
            <ui.Row
              href="#"
              lead={at('14:00')}
              title="Cupping next Saturday: six seats left"
              meta="Bluesky"
              mark={<ui.StateMark state="in_review">waits for Cora</ui.StateMark>}
            />
            <ui.Row
              href="#"
              lead={at('18:15')}
              title="بطاقة بريدية من هويلا: القهوة التي تصل غداً"
              meta="Mastodon, Own feed"
              mark={<ui.StateMark state="held" />}
            />
          </ui.Rows>
        </ui.Block>
        <ui.Block title="The week ahead">
          <ui.Strip
            label="The week ahead"
            days={[
              {
                label: 'Sat 21',
                href: '#',
                today: true,
                states: ['published', 'scheduled', 'scheduled', 'in_review'],
              },
              { label: 'Sun 22', href: '#', states: [] },
              {
                label: 'Mon 23',
                href: '#',
                states: ['scheduled', 'scheduled', 'failed'],
                note: { tone: 'failed', text: '1 cannot go: reconnect' },
              },
              { label: 'Tue 24', href: '#', states: ['scheduled'] },
              { label: 'Wed 25', href: '#', states: ['scheduled', 'held', 'cancelled'] },
              { label: 'Thu 26', href: '#', states: ['unconfirmed', 'in_review'] },
              { label: 'Fri 27', href: '#', states: ['scheduled', 'scheduled'] },
            ]}
          />
        </ui.Block>
      </ui.Columns>
    </>,
    { flash: null },
  )

const chip = (
  time: string,
  title: string,
  state: ui.State,
  platform: 'bluesky' | 'mastodon' | 'feed' | 'webhook' = 'bluesky',
): Html => (
  <ui.Chip
    href="#"
    time={time}
    title={title}
    state={state}
    platform={platform}
    job={`${time}${title.length}`}
  />
)
const days = (): ui.MonthDay[] => {
  const chips: Record<string, Html[]> = {
    '2026-11-02': [chip('09:00', 'Monthly menu', 'published')],
    '2026-11-04': [
      chip('10:30', 'New cups', 'published'),
      chip('16:00', 'Ask us anything', 'published', 'mastodon'),
    ],
    '2026-11-09': [
      chip('09:00', 'Guest roaster', 'published'),
      chip('12:00', 'Guest roaster, German', 'published', 'mastodon'),
      chip('18:00', 'Video: pour-over', 'published', 'feed'),
    ],
    '2026-11-11': [chip('09:00', 'Martinmas buns', 'published', 'feed')],
    '2026-11-16': [chip('11:00', 'Sunday brunch', 'unconfirmed', 'mastodon')],
    '2026-11-18': [chip('09:00', 'Cedar or fig?', 'published')],
    '2026-11-21': [
      chip('08:30', 'Good morning from the roastery', 'publishing'),
      chip('09:00', 'Autumn roast is back: notes of fig and cedar', 'scheduled'),
      chip('14:00', 'Cupping next Saturday', 'scheduled', 'feed'),
    ],
    '2026-11-23': [
      chip('10:00', 'Advent teaser', 'failed', 'mastodon'),
      chip('16:00', 'Ines, part 3', 'scheduled', 'feed'),
    ],
    '2026-11-26': [
      chip('09:00', 'Donaudampfschifffahrtsgesellschaftskapitänsmütze', 'held'),
      chip('12:00', 'Ines, part 4', 'cancelled', 'feed'),
    ],
    '2026-12-01': [chip('09:00', 'First Advent box', 'scheduled', 'webhook')],
  }
  return Array.from({ length: 42 }, (_, index) => {
    const day = new Date(Date.UTC(2026, 9, 26 + index))
    const date = day.toISOString().slice(0, 10)
    return {
      date,
      outside: day.getUTCMonth() !== 10,
      off: [0, 6].includes(day.getUTCDay()),
      today: date === '2026-11-21',
      note: date === '2026-11-18' ? 'Repentance Day' : date === '2026-11-29' ? 'First Advent' : undefined,
      chips: chips[date] ?? [],
      more: date === '2026-11-21' ? { count: 2, href: '#' } : undefined,
      newHref: `#new-${date}`,
    }
  })
}
const views = (current: string): Html => (
  <ui.Tabs
    label="View"
    items={['Month', 'List'].map(label => ({
      label,
      href: label === 'Month' ? '/calendar' : '/list',
      current: label === current,
    }))}
  />
)
const nav = (current: string): Html => (
  <ui.MonthNav
    month="November"
    year={2026}
    zone={zone}
    previous={{ href: '#', label: 'October' }}
    next={{ href: '#', label: 'December' }}
    today="#"
  >
    {views(current)}
  </ui.MonthNav>
)
const calendar = (): Html =>
  desk(
    'November',
    '/calendar',
    <>
      {nav('Month')}
      <ui.StateCounts
        counts={{ scheduled: 9, publishing: 1, held: 1, unconfirmed: 1, failed: 1, published: 14 }}
      />
      <ui.Month label="November 2026" days={days()} moveTo="/calendar" />
    </>,
  )
const list = (): Html =>
  desk(
    'November',
    '/calendar',
    <>
      {nav('List')}
      <ui.ListHeading note="today">Saturday, 21 November</ui.ListHeading>
      <ui.Rows>
        <ui.Row
          href="#"
          lead={<ui.Time at="2026-11-21T08:30:00+01:00" zone={zone} shape="time" />}
          title="Good morning from the roastery"
          meta={<ui.Line parts={[<ui.PlatformMark platform="bluesky" name="@northwind.example" />, 'Bob']} />}
          mark={<ui.StateMark state="publishing" />}
        />
        <ui.Row
          href="#"
          lead={<ui.Time at="2026-11-21T09:00:00+01:00" zone={zone} shape="time" />}
          title="Autumn roast is back: notes of fig and cedar"
          meta={
            <ui.Line
              parts={[<ui.PlatformMark platform="mastodon" name="@northwind@social.example" />, 'Alice']}
            />
          }
          mark={<ui.StateMark state="scheduled" />}
          actions={
            <ui.Confirm
              label="Cancel"
              size="small"
              question="Cancel this post? It stays as a draft."
              yes="Cancel the post"
              action="#"
              align="end"
            />
          }
        />
      </ui.Rows>
      <ui.ListHeading>Monday, 23 November</ui.ListHeading>
      <ui.Rows>
        <ui.Row
          href="#"
          lead={<ui.Time at="2026-11-23T10:00:00+01:00" zone={zone} shape="time" />}
          title="Advent teaser: Donaudampfschifffahrtsgesellschaftskapitänsmützenfabrikantenverein"
          meta={<ui.PlatformMark platform="feed" />}
          mark={<ui.StateMark state="failed" />}
        />
      </ui.Rows>
      <ui.Pager next="#" first="#" label="Later" />
    </>,
  )

const compose = (): Html =>
  desk(
    'Autumn roast',
    '/content/new',
    <>
      <ui.PageHead
        back={{ href: '#', label: 'Content' }}
        title="Autumn roast"
        mark={<ui.StateMark state="draft" />}
        note={<ui.SaveState>Saved 08:31 Berlin · version 6</ui.SaveState>}
        actions={
          <ui.Popover label="More" icon="ellipsis" iconOnly variant="quiet" align="end">
            <ui.ActionButton action="#" variant="quiet" icon="copy">
              Duplicate
            </ui.ActionButton>
          </ui.Popover>
        }
      />
      <ui.Compose
        aside={
          <>
            <ui.Preview
              platform="bluesky"
              account={{ name: 'Northwind Coffee', handle: '@northwind.example' }}
              text="The autumn roast is back. Fig, cedar, a little smoke: roasted Tuesday, shipped Wednesday, so it reaches you while it still crackles. https://northwind.example/autumn"
              images={[{ src: '/demo/roast', alt: 'A bag of coffee' }]}
            />
            <ui.Preview
              platform="mastodon"
              account={{ name: 'Northwind Coffee', handle: '@northwind@social.example' }}
              text={roast}
              images={[
                { src: '/demo/roast', alt: 'A bag' },
                { src: '/demo/cups', alt: 'Cups' },
              ]}
            />
            <ui.Block title="Comments">
              <ui.Comment
                author="Cora Lind"
                at={<ui.Time at="2026-11-21T08:12:00+01:00" zone={zone} shape="time" />}
                quote="crackles"
                actions={
                  <ui.ActionButton size="small" action="#">
                    Resolve
                  </ui.ActionButton>
                }
              >
                That is for pops on the first crack. Shall we say “sings”?
              </ui.Comment>
              <ui.Form action="#">
                <ui.TextArea name="comment" label="Your comment" required rows="2" />
                <ui.Buttons>
                  <ui.Button icon="message-square">Comment</ui.Button>
                </ui.Buttons>
              </ui.Form>
            </ui.Block>
          </>
        }
      >
        <form method="post" action="#" data-guard>
          <ui.Sheet>
            <ui.AccountPicker
              accounts={[
                { id: '1', name: '@northwind.example', platform: 'bluesky', checked: true },
                { id: '2', name: '@northwind@social.example', platform: 'mastodon', checked: true },
                { id: '3', name: 'Northwind Coffee', platform: 'feed', checked: true },
                { id: '4', name: 'Shop', platform: 'webhook', disabled: 'reconnect first' },
                { id: '5', name: 'Try-out', platform: 'rehearsal' },
              ]}
            />
            <ui.Paper
              name="text"
              label="Text"
              value={roast}
              counters={
                <>
                  <ui.Counter text={roast} limits={bluesky} field="f-text" label="Bluesky" />
                  <ui.Counter text={roast} limits={mastodon} field="f-text" label="Mastodon" />
                </>
              }
            />
            <ui.Variant platform="bluesky" name="@northwind.example" note="own words" changed>
              <ui.Paper
                size="variant"
                name="variant-1"
                label="Words for Bluesky"
                value={`${roast} ${roast}`}
                counters={
                  <ui.Counter
                    text={`${roast} ${roast}`}
                    limits={bluesky}
                    field="f-variant-1"
                    label="Bluesky"
                  />
                }
              />
            </ui.Variant>
            <ui.Variant platform="mastodon" name="@northwind@social.example" note="same">
              <ui.Paper size="variant" name="variant-2" label="Words for Mastodon" value="" />
            </ui.Variant>
            <ui.SheetPart>
              <ui.MediaGrid>
                <ui.MediaThumb
                  src="/demo/roast"
                  alt="A brown bag of coffee on a wooden bar, steam behind it"
                  editing
                >
                  <ui.Field name="alt-1" label="Alt text" value="A brown bag" required />
                </ui.MediaThumb>
                <ui.MediaThumb src="/demo/cups" alt="">
                  <ui.Field name="alt-2" label="Alt text" error="Say what is in the picture." required />
                </ui.MediaThumb>
              </ui.MediaGrid>
              <ui.PicturePicker name="pictures" label="Add pictures" />
            </ui.SheetPart>
            <ui.SheetPart>
              <ui.Field name="tags" label="Tags" hint="Divided by commas" value="autumn, roast" />
            </ui.SheetPart>
            <ui.SheetPart tone="sunk">
              <ui.FieldRow>
                <ui.Field type="date" name="date" label="Day" value="2026-11-24" required width="short" />
                <ui.Field type="time" name="time" label="Time" value="09:00" required width="short" />
                <ui.Select
                  name="zone"
                  label="Zone"
                  required
                  value={zone}
                  options={[{ value: zone, label: 'Europe/Berlin' }]}
                />
              </ui.FieldRow>
              <ui.ActionBar>
                <ui.Button variant="main" icon="clock">
                  Schedule
                </ui.Button>
                <ui.Button icon="send">Publish now</ui.Button>
                <ui.Button variant="quiet">Save draft</ui.Button>
              </ui.ActionBar>
            </ui.SheetPart>
          </ui.Sheet>
        </form>
      </ui.Compose>
    </>,
  )

const moment = (time: string): Html => <ui.Time at={`2026-11-21T${time}+01:00`} zone={zone} />
const job = (): Html =>
  desk(
    'Sunday brunch',
    '/calendar',
    <>
      <ui.PageHead
        back={{ href: '#', label: 'Calendar' }}
        title="Sunday brunch: waffles, then cupping"
        mark={<ui.StateMark state="unconfirmed" />}
        actions={
          <>
            <ui.LinkButton href="#" icon="pen-line">
              Open the post
            </ui.LinkButton>
            <ui.Confirm
              label="Give up"
              variant="danger"
              question="Mark this post as failed? Nothing is sent."
              yes="Give up"
              action="#"
              align="end"
            />
          </>
        }
      />
      <ui.Columns
        aside={
          <>
            <ui.Preview
              platform="mastodon"
              account={{ name: 'Northwind Coffee', handle: '@northwind@social.example' }}
              text="Sunday brunch: waffles at ten, then a small cupping with @ines@social.example. No tickets, just come. #brunch"
              images={[{ src: '/demo/bar', alt: 'The bar' }]}
              when={moment('11:00:00')}
            />
            <ui.Block title="How it does">
              <ui.Figures
                items={[
                  { label: 'Likes', value: 42 },
                  { label: 'Reposts', value: 7 },
                  { label: 'Replies', value: 3 },
                ]}
              />
            </ui.Block>
          </>
        }
      >
        <ui.NeedCard
          state="unconfirmed"
          kicker="Did this go out?"
          title="social.example stopped answering after we had sent the post."
          actions={
            <>
              <ui.ActionButton action="#" variant="main">
                It is there
              </ui.ActionButton>
              <ui.ActionButton action="#">Send again</ui.ActionButton>
              <ui.LinkButton href="#" variant="quiet" icon="external-link">
                Look at @northwind
              </ui.LinkButton>
            </>
          }
        >
          <p>
            We looked twice and did not find it, but the network may still be working on it. We will not send
            it twice without you.
          </p>
        </ui.NeedCard>
        <ui.Block title="Attempts">
          <ui.Timeline
            label="Attempts"
            moments={[
              {
                at: moment('11:00:00'),
                tone: 'failed',
                icon: 'refresh-cw',
                title: 'First attempt: try again later',
                children: (
                  <p>social.example answered “503 Service Unavailable”. Tried again after 30 seconds.</p>
                ),
                raw: 'HTTP/1.1 503 Service Unavailable\ncontent-type: application/json\n\n{"error":"Down for maintenance"}',
              },
              {
                at: moment('11:00:31'),
                tone: 'unsure',
                icon: 'circle-question-mark',
                title: 'Second attempt: no answer',
                children: <p>The connection ended 12 seconds after the post had been sent.</p>,
                steps: [
                  { at: '11:00:31', what: 'Picture uploaded' },
                  { at: '11:00:33', what: 'Ready to send' },
                  { at: '11:00:45', what: 'Connection reset' },
                ],
              },
              {
                at: moment('11:01:50'),
                tone: 'scheduled',
                icon: 'loader-circle',
                title: 'Looking at the profile',
                live: true,
              },
            ]}
          />
        </ui.Block>
        <ui.Block title="Facts">
          <ui.Meta
            items={[
              {
                term: 'Account',
                value: <ui.PlatformMark platform="mastodon" name="@northwind@social.example" />,
              },
              { term: 'Planned for', value: moment('11:00:00') },
              { term: 'Version', value: '6, approved by Cora' },
              {
                term: 'Address',
                value: (
                  <a href="https://social.example">https://social.example/@northwind/112233445566778899</a>
                ),
              },
            ]}
          />
        </ui.Block>
      </ui.Columns>
    </>,
  )

const content = (): Html =>
  desk(
    'Content',
    '/content',
    <>
      <ui.PageHead
        title="Content"
        note="38 pieces"
        tabs={
          <ui.Tabs
            label="State"
            items={[
              { href: '#', label: 'All', current: true, count: 38 },
              { href: '#', label: 'Drafts', count: 6 },
              { href: '#', label: 'In review', count: 4 },
              { href: '#', label: 'Approved', count: 12 },
              { href: '#', label: 'Archived' },
            ]}
          />
        }
      />
      <ui.Rows>
        <ui.Row
          href="#"
          lead={<img src="/demo/roast" alt="" />}
          title="The autumn roast is back. Fig, cedar, a little smoke: we roast on Tuesdays and ship on Wednesdays"
          meta={<ui.Line parts={['Alice', 'changed 08:31 Berlin', 'Bluesky, Mastodon']} />}
          mark={<ui.StateMark state="approved" />}
        />
        <ui.Row
          href="#"
          lead={<img src="/demo/cups" alt="" />}
          title="Cupping next Saturday: six seats left"
          meta={<ui.Line parts={['Bob', 'changed yesterday']} />}
          mark={<ui.StateMark state="in_review" />}
        />
        <ui.Row
          href="#"
          lead={<ui.Avatar name="Bob" />}
          title="No picture yet: a postcard from Huila"
          meta="Bob"
          mark={<ui.StateMark state="changes_requested" />}
        />
      </ui.Rows>
      <ui.Pager next="#" />
      <ui.EmptyState
        icon="pen-line"
        title="Nothing is written yet"
        action={
          <ui.LinkButton href="#" variant="main" icon="plus">
            Write the first post
          </ui.LinkButton>
        }
      >
        A piece you write here can go to every account, in its own words for each.
      </ui.EmptyState>
    </>,
    { flash: { kind: 'good', text: 'The post was scheduled for Tuesday, 24 November, 09:00 Berlin.' } },
  )

const settings = (): Html =>
  desk(
    'Settings',
    '/settings',
    <>
      <ui.PageHead title="Settings" />
      <ui.Section title="Workspace" about="Its name stands over the feed and in every mail.">
        <ui.Form
          action="#"
          errors={{
            name: 'Give the workspace a name.',
            zone: '“Berlin” is not a time zone. Use a name such as Europe/Berlin.',
          }}
        >
          <ui.Field name="name" label="Name" required error="Give the workspace a name." value="" />
          <ui.Field name="slug" label="Address" hint="Small letters, figures and hyphens" value="northwind" />
          <ui.Select
            name="zone"
            label="Time zone"
            required
            value={zone}
            options={[{ value: zone, label: 'Europe/Berlin' }]}
            hint="New posts are planned in this zone."
            error="“Berlin” is not a time zone."
          />
          <ui.Check
            name="approvalRequired"
            label="Every post needs an approval"
            hint="Posts that were not approved are held when their time comes."
            checked
          />
          <ui.Choices
            name="role"
            label="What a new person may do"
            kind="radio"
            value="author"
            options={[
              { value: 'editor', label: 'Editor', hint: 'Writes, approves others’ work, schedules' },
              { value: 'author', label: 'Author', hint: 'Writes and submits' },
              { value: 'owner', label: 'Owner', disabled: true },
            ]}
          />
          <ui.Buttons>
            <ui.Button variant="main">Save</ui.Button>
            <ui.Button variant="quiet" disabled>
              Reset
            </ui.Button>
          </ui.Buttons>
        </ui.Form>
      </ui.Section>
      <ui.Section title="Invitation" about="Send this link yourself; it works once, for seven days.">
        <ui.CopyField
          id="invite"
          label="Link for cora@northwind.example"
          value="https://desk.northwind.example/invitations/0199f0c2-5f7a-7c31-9e0e-1f52ab77c0de"
          hint="Ends on Saturday, 28 November."
        />
      </ui.Section>
      <ui.Section title="Keys" about="For programs that use the API.">
        <ui.Table
          caption="Keys"
          columns={[
            { head: 'Name' },
            { head: 'Made' },
            { head: 'Calls', number: true },
            { head: 'Revoke', hideHead: true },
          ]}
          rows={[
            [
              'n8n',
              <ui.Time at="2026-11-02T09:00:00Z" zone={zone} shape="day" />,
              '1 204',
              <ui.Confirm
                label="Revoke"
                size="small"
                question="Revoke “n8n”?"
                yes="Revoke"
                action="#"
                align="end"
              />,
            ],
            [
              'Newsletter',
              <ui.Time at="2026-11-12T09:00:00Z" zone={zone} shape="day" />,
              '88',
              <ui.Badge tone="held">revoked</ui.Badge>,
            ],
          ]}
        />
      </ui.Section>
      <ui.Section
        title="Erase this workspace"
        danger
        about="Everything goes: posts, pictures, accounts. What is already out stays out."
      >
        <ui.Confirm
          label="Erase…"
          variant="danger"
          question="Erase Northwind Coffee for good?"
          yes="Erase everything"
          action="#"
        >
          <ui.Field name="confirm" label="Type “northwind” to go on" required />
        </ui.Confirm>
      </ui.Section>
    </>,
  )

const parts = (): Html =>
  desk(
    'Parts',
    '/media',
    <>
      <ui.PageHead
        title="Parts"
        note="every state at once"
        actions={
          <ui.DialogLink href="#" dialog="d1">
            Dialog
          </ui.DialogLink>
        }
      />
      <div class="stack">
        <div class="state-counts">
          {(Object.keys(ui.states) as ui.State[]).map(state => (
            <ui.StateMark state={state} />
          ))}
        </div>
        <ui.Buttons>
          <ui.Button variant="main" icon="plus">
            Main
          </ui.Button>
          <ui.Button>Plain</ui.Button>
          <ui.Button variant="quiet">Quiet</ui.Button>
          <ui.Button variant="danger" icon="trash-2">
            Danger
          </ui.Button>
          <ui.Button size="small">Small</ui.Button>
          <ui.Button size="large" variant="main">
            Large
          </ui.Button>
          <ui.Button icon="x" label="Close" />
          <ui.Button disabled>Disabled</ui.Button>
        </ui.Buttons>
        <ui.Notice kind="info">The feed has a new address.</ui.Notice>
        <ui.Notice kind="good">Saved.</ui.Notice>
        <ui.Notice kind="warn" title="The clock goes back on Sunday">
          02:30 happens twice. Which one?
        </ui.Notice>
        <ui.Notice kind="bad" title="The picture is too large">
          It has 24 MB; Bluesky takes 1 MB. Choose a smaller one.
        </ui.Notice>
        <ui.Toast>Moved to Tuesday, 24 November, 09:00 Berlin.</ui.Toast>
        <ui.Cards>
          <ui.Card title="@northwind.example" mark={<ui.StateMark state="connected" />}>
            <ui.PlatformMark platform="bluesky" />
            <ui.Tags tags={['autumn', 'roast', 'قهوة']} href={tag => `#${tag}`} />
            <ui.Progress n={3} max={10} label="Quota" />
          </ui.Card>
          <ui.Card title="@northwind@social.example" mark={<ui.StateMark state="reconnect" />}>
            <ui.PlatformMark platform="mastodon" />
          </ui.Card>
        </ui.Cards>
        <ui.MediaGrid>
          {['roast', 'cups', 'bar'].map(name => (
            <ui.MediaThumb
              src={`/demo/${name}`}
              alt={name === 'bar' ? '' : `${name} on a wooden bar in the morning`}
              href="#"
              note="1600 × 1067"
            />
          ))}
        </ui.MediaGrid>
        <ui.Columns
          aside={
            <ui.Preview
              platform="webhook"
              account={{ name: 'Shop', handle: 'https://shop.example/hooks' }}
              text=""
              payload={'{\n  "type": "post.published",\n  "data": { "text": "The autumn roast is back." }\n}'}
            />
          }
        >
          <ui.Preview
            platform="feed"
            account={{ name: 'Northwind Coffee', handle: 'northwind.example' }}
            text={roast}
            images={[{ src: '/demo/bar', alt: 'Bar' }]}
          />
          <ui.Preview
            platform="rehearsal"
            account={{ name: 'Try-out', handle: 'rehearsal' }}
            text="مرحبا بالعالم #قهوة"
          />
        </ui.Columns>
        <ui.Rows>
          <ui.Row
            unread
            href="#"
            lead={<ui.Icon name="triangle-alert" />}
            title="“Advent teaser” failed on Mastodon"
            meta={moment('07:12:00')}
          />
          <ui.Row
            href="#"
            lead={<ui.Avatar name="Dan Oyelaran" />}
            title="Dan Oyelaran"
            meta="dan@northwind.example"
            mark={<ui.Badge>reviewer</ui.Badge>}
            actions={
              <ui.Button size="small" variant="quiet">
                Change
              </ui.Button>
            }
          />
        </ui.Rows>
      </div>
      <ui.Dialog id="d1" title="Connect an account">
        <p>Choose where to publish.</p>
      </ui.Dialog>
    </>,
  )

const signIn = (): Html => (
  <PlainLayout title="Sign in">
    <h1>Sign in to Northwind Coffee</h1>
    <ui.Form action="#" errors={{ '': 'Mail address and password do not fit together.' }}>
      <ui.Field
        type="email"
        name="mail"
        label="Mail address"
        required
        autocomplete="username"
        value="alice@northwind.example"
      />
      <ui.Field type="password" name="password" label="Password" required autocomplete="current-password" />
      <ui.Buttons>
        <ui.Button variant="main" size="large">
          Sign in
        </ui.Button>
      </ui.Buttons>
    </ui.Form>
  </PlainLayout>
)
const setup = (): Html => (
  <PlainLayout wide title="Set up">
    <h1>Open your desk</h1>
    <p>This page works once. The code stands in the terminal where Masthead was started.</p>
    <ui.Form action="#">
      <ui.Field name="code" label="Code from the terminal" required width="medium" autocomplete="off" />
      <ui.FieldRow>
        <ui.Field name="workspace" label="Name of the workspace" required />
        <ui.Field name="slug" label="Its address" required hint="desk.example/w/northwind" />
      </ui.FieldRow>
      <ui.FieldRow>
        <ui.Field name="name" label="Your name" required />
        <ui.Field name="mail" type="email" label="Mail" required />
      </ui.FieldRow>
      <ui.Field name="password" type="password" label="Password" required hint="Twelve characters or more" />
      <ui.Buttons>
        <ui.Button variant="main" size="large">
          Open the desk
        </ui.Button>
      </ui.Buttons>
    </ui.Form>
  </PlainLayout>
)
const missing = (): Html => (
  <PlainLayout title="Not found">
    <ErrorPage
      status={404}
      title="There is nothing at this address"
      actions={
        <ui.LinkButton href="/" variant="main">
          To the desk
        </ui.LinkButton>
      }
    >
      <p>It was moved or removed, or it belongs to another workspace.</p>
    </ErrorPage>
  </PlainLayout>
)

const story = (id: string, text: string, picture?: string, lead = false): Html => (
  <ui.FeedStory
    href="#"
    id={id}
    text={text}
    lead={lead}
    images={picture ? [{ src: `/demo/${picture}`, alt: 'A picture' }] : []}
    at="2026-11-21T08:00:00Z"
    zone={zone}
    tags={lead ? ['autumn', 'roast'] : []}
  />
)
const feed = (): Html => (
  <FeedLayout
    title="Northwind Coffee"
    description="News from the roastery"
    workspace={{ name: 'Northwind Coffee', about: 'Letters from a small roastery', zone }}
    home="#"
    feeds={{ rss: '#', atom: '#', json: '#' }}
    now="Saturday, 21 November 2026"
    front
  >
    <FeedFront lead={story('1', roast, 'roast', true)}>
      {story(
        '2',
        'Behind the bar with Ines, part 2 of 4.\nShe came for a summer job and stayed for eleven years. We asked her what changed, and what never should.',
        'bar',
      )}
      {story(
        '3',
        'Six seats left for Saturday’s cupping. Five coffees, one blind, cake at eleven. Reply to keep a chair.',
      )}
      {story(
        '4',
        'New cups! Thrown by hand in Meissen, each a little different. https://northwind.example/cups',
        'cups',
      )}
    </FeedFront>
  </FeedLayout>
)

const review = (): Html =>
  desk(
    'Review',
    '/review',
    <>
      <ui.PageHead
        back={{ href: '#', label: 'Review' }}
        title="Cupping on Saturday"
        note="2 of 5"
        mark={<ui.StateMark state="in_review" />}
      />
      <ui.Preview
        platform="bluesky"
        account={{ name: 'Northwind Coffee', handle: '@northwind.example' }}
        when={moment('08:00:00')}
        text="Six seats left for Saturday’s cupping. Five coffees, one blind, cake at eleven. Reply to keep a chair."
        images={[{ src: '/demo/bar', alt: 'Ines pours water over five glasses.' }]}
      />
      <ui.Comment author="Bob Ito" at="09:12 Berlin">
        New picture, the old one had last year’s cups.
      </ui.Comment>
      <ui.ActionBar>
        <ui.Button size="large">Ask for changes</ui.Button>
        <ui.Button size="large" variant="main" icon="check">
          Approve
        </ui.Button>
      </ui.ActionBar>
    </>,
  )

/** Every page of the gallery, by its path. */
export const pages: Record<string, () => Html> = {
  today,
  calendar,
  list,
  compose,
  job,
  content,
  settings,
  parts,
  'sign-in': signIn,
  setup,
  '404': missing,
  feed,
  review,
}
