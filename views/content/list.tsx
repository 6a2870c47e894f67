import type { Draft } from '../../src/content/drafts.ts'
import type { Piece } from '../../src/content/find.ts'
import type { Plan } from '../../src/content/plans.ts'
import type { Frame } from '../../src/http/desk.ts'
import type { Media } from '../../src/media/find.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import {
  Button,
  EmptyState,
  Field,
  LinkButton,
  Notice,
  PageHead,
  Pager,
  Rows,
  Tabs,
  Tags,
  Time,
} from '../ui/index.tsx'
import { PieceRow } from './row.tsx'
import { opening } from './words.ts'

export interface ContentView {
  state?: string | undefined
  tag?: string | undefined
  q?: string | undefined
  cursor?: string | undefined
}

const tabs: readonly { state?: string; label: string }[] = [
  { label: 'All' },
  { state: 'draft', label: 'Drafts' },
  { state: 'in_review', label: 'In review' },
  { state: 'changes_requested', label: 'Changes asked for' },
  { state: 'approved', label: 'Approved' },
  { state: 'planned', label: 'Planned' },
  { state: 'published', label: 'Published' },
  { state: 'archived', label: 'Archive' },
]

/** Everything that is being written, last changed first. */
export function ContentPage({
  frame,
  view,
  items,
  next,
  plans,
  tags,
  pictures,
  draft,
}: {
  frame: Frame
  view: ContentView
  items: readonly Piece[]
  next: string | null
  plans: ReadonlyMap<string, Plan>
  tags: readonly string[]
  pictures: readonly Media[]
  /** A new post that this person began and has not saved. */
  draft: Draft | null
}): Html {
  const base = `/w/${frame.workspace.slug}`
  const to = (change: ContentView): string =>
    address(`${base}/content`, { ...view, cursor: undefined, ...change })
  return (
    <Layout {...frame} title="Content" live={['content', 'publish_job']}>
      <PageHead
        title="Content"
        note={view.tag ? `tagged “${view.tag}”` : view.q ? `with “${view.q}”` : undefined}
        tabs={
          <Tabs
            label="Which content"
            items={tabs.map(({ state, label }) => ({
              href: to({ state }),
              label,
              current: view.state === state,
            }))}
          />
        }
      />
      <Narrow frame={frame} view={view} tags={tags} base={base} />
      {draft && !view.cursor && (
        <Notice
          kind="info"
          title="You began a new post and did not save it"
          actions={
            <LinkButton href={`${base}/content/new`} size="small" icon="pen-line">
              Go on writing
            </LinkButton>
          }
        >
          {opening(draft.typed.text, 70) || 'Pictures without words'} ·{' '}
          <Time at={draft.at} zone={frame.workspace.zone} />
        </Notice>
      )}
      {items.length === 0 ? (
        <Nothing frame={frame} view={view} base={base} />
      ) : (
        <Rows label="Content, last changed first">
          {items.map(piece => (
            <PieceRow
              base={base}
              piece={piece}
              plan={plans.get(piece.id)}
              picture={pictures.find(({ id }) => id === piece.media[0])}
              zone={frame.workspace.zone}
              tagged={tag => address(`${base}/content`, { tag })}
            />
          ))}
        </Rows>
      )}
      <Pager next={next && to({ cursor: next })} first={view.cursor && to({})} />
    </Layout>
  )
}

function address(path: string, view: ContentView): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(view)) if (value) query.set(name, value)
  return query.size > 0 ? `${path}?${query}` : path
}

function Narrow({
  frame,
  view,
  tags,
  base,
}: {
  frame: Frame
  view: ContentView
  tags: readonly string[]
  base: string
}): Html | null {
  if (tags.length === 0 && !view.q && !view.tag) return null
  return (
    <search class="narrow">
      <form method="get" action={`/w/${frame.workspace.slug}/content`} class="field-row narrow-form">
        {view.state && <input type="hidden" name="state" value={view.state} />}
        <Field
          type="search"
          name="q"
          label="Words"
          hideLabel
          placeholder="Words in the text or a tag"
          maxlength={200}
          value={view.q ?? ''}
          required={false}
        />
        {view.tag && <input type="hidden" name="tag" value={view.tag} />}
        <Button icon="search">Find</Button>
        {(view.q || view.tag) && (
          <LinkButton href={address(`${base}/content`, { state: view.state })} variant="quiet" icon="x">
            Show all
          </LinkButton>
        )}
      </form>
      {!view.tag && (
        <Tags
          tags={tags.slice(0, 12)}
          href={tag => address(`${base}/content`, { ...view, cursor: undefined, tag })}
        />
      )}
    </search>
  )
}

function Nothing({ frame, view, base }: { frame: Frame; view: ContentView; base: string }): Html {
  if (view.q || view.tag || view.state)
    return (
      <EmptyState
        icon="search"
        title="Nothing here"
        action={<LinkButton href={`${base}/content`}>Show all content</LinkButton>}
      >
        {view.q || view.tag ? 'No post has these words or this tag.' : 'No post is in this state just now.'}
      </EmptyState>
    )
  return (
    <EmptyState
      icon="pen-line"
      title="Nothing is written yet"
      action={
        frame.canWrite && (
          <LinkButton href={`${base}/content/new`} variant="main" icon="plus">
            Write the first post
          </LinkButton>
        )
      }
    >
      A post begins with a few words or a picture. It is yours until you save it.
    </EmptyState>
  )
}
