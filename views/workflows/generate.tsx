import type { Frame } from '../../src/http/desk.ts'
import type { Rejected } from '../../src/http/form.ts'
import { maxPrompt, sizes } from '../../src/workflows/schema.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import {
  Button,
  Buttons,
  Choices,
  Columns,
  EmptyState,
  Field,
  Form,
  LinkButton,
  Notice,
  PageHead,
  Tabs,
  TextArea,
} from '../ui/index.tsx'

export interface GeneratePageProps {
  frame: Frame
  connected: boolean
  checkpoints: readonly string[]
  /** Why ComfyUI did not list its models. */
  trouble: string | null
  /** A plain card, which needs no model, instead of a picture from words. */
  card: boolean
  values: Rejected['values']
  form?: Rejected | undefined
}

/** Asks for a picture. */
export function GeneratePage(props: GeneratePageProps): Html {
  const { frame, connected, checkpoints, trouble, card } = props
  const base = `/w/${frame.workspace.slug}`
  const at = `${base}/media/generate`
  const drawable = card || trouble !== null || checkpoints.length > 0
  return (
    <Layout {...frame} title="Generate a picture">
      <PageHead
        title="Generate a picture"
        note="Drawn by ComfyUI, kept in the media library"
        back={{ href: `${base}/media`, label: 'Media' }}
        tabs={
          connected && (
            <Tabs
              label="What to generate"
              items={[
                { href: `${at}?kind=words`, label: 'From words', current: !card },
                { href: `${at}?kind=card`, label: 'Plain card, no model', current: card },
              ]}
            />
          )
        }
      />
      {!connected && <NotConnected base={base} />}
      {connected && !drawable && <NoModel at={at} />}
      {connected && drawable && (
        <Columns aside={<Help card={card} trouble={trouble} />}>
          <WishForm {...props} action={at} />
        </Columns>
      )}
    </Layout>
  )
}

function NotConnected({ base }: { base: string }): Html {
  return (
    <EmptyState
      icon="wand-sparkles"
      title="No ComfyUI is connected"
      action={
        <LinkButton href={`${base}/media`} variant="main" icon="upload">
          Upload a picture instead
        </LinkButton>
      }
    >
      Pictures are drawn by a ComfyUI server. Whoever runs Masthead sets COMFYUI_URL to its address and
      restarts.
    </EmptyState>
  )
}

function NoModel({ at }: { at: string }): Html {
  return (
    <EmptyState
      icon="wand-sparkles"
      title="ComfyUI has no model yet"
      action={
        <LinkButton href={`${at}?kind=card`} variant="main" icon="image">
          Make a plain card
        </LinkButton>
      }
    >
      To draw from words it needs a checkpoint: put one into its folder models/checkpoints, then load this
      page again.
    </EmptyState>
  )
}

function Help({ card, trouble }: { card: boolean; trouble: string | null }): Html {
  return (
    <div class="form">
      {trouble && (
        <Notice kind="bad" title="ComfyUI does not answer">
          {trouble}
        </Notice>
      )}
      <Notice kind="info">
        {card
          ? 'One colour from edge to edge, for words to stand on. It needs no model and takes a moment.'
          : 'Say what is seen, not what it is for: “A cup of coffee on a wet stone table, morning light, seen from above”. Your words also become the alt text. Read it again before you post: it tells what you asked for, not what was drawn.'}
      </Notice>
    </div>
  )
}

function WishForm(props: GeneratePageProps & { action: string }): Html {
  const { values, form, action, card } = props
  const errors = form && (Object.keys(form.errors).length === 0 ? { '': form.message } : form.errors)
  return (
    <Form action={action} errors={errors}>
      {card ? <CardFields {...props} /> : <WordFields {...props} />}
      <Choices
        name="size"
        label="Size"
        kind="radio"
        required
        value={String(values.size ?? 'square')}
        error={form?.errors.size}
        options={Object.entries(sizes).map(([name, { label, width, height }]) => ({
          value: name,
          label,
          hint: `${width} × ${height} pixels`,
        }))}
      />
      <Buttons>
        <Button variant="main" icon="wand-sparkles">
          Generate
        </Button>
      </Buttons>
    </Form>
  )
}

function CardFields({ values, form }: GeneratePageProps): Html {
  return (
    <>
      <input type="hidden" name="model" value="" />
      <Field
        type="color"
        name="colour"
        label="Colour"
        width="short"
        required
        value={String(values.colour ?? '#1e6b52')}
        error={form?.errors.colour}
      />
    </>
  )
}

function WordFields({ checkpoints, values, form }: GeneratePageProps): Html {
  const value = (name: string, otherwise = ''): string => String(values[name] ?? otherwise)
  const known = [...checkpoints]
  // A model that was asked for before stays on offer; ComfyUI then says that it is gone.
  const chosen = value('model') || (known[0] ?? '')
  if (chosen && !known.includes(chosen)) known.push(chosen)
  return (
    <>
      <TextArea
        name="prompt"
        label="What the picture shows"
        rows="4"
        required
        value={value('prompt')}
        error={form?.errors.prompt}
        maxlength={maxPrompt}
      />
      <TextArea
        name="negative"
        label="What it must not show"
        rows="2"
        value={value('negative')}
        error={form?.errors.negative}
        maxlength={maxPrompt}
        placeholder="text, watermark"
      />
      {known.length > 0 && (
        <Choices
          name="model"
          label="Model"
          kind="radio"
          required
          value={chosen}
          error={form?.errors.model}
          options={known.map(name => ({ value: name, label: name }))}
        />
      )}
    </>
  )
}
