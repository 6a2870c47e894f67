import type { Frame } from '../../src/http/desk.ts'
import type { Rejected } from '../../src/http/form.ts'
import type { Page } from '../../src/lib/cursor.ts'
import type { Media } from '../../src/media/find.ts'
import { maxAlt } from '../../src/media/schema.ts'
import type { Html } from '../html.ts'
import { Layout } from '../layout.tsx'
import {
  Button,
  Buttons,
  Confirm,
  EmptyState,
  Form,
  Line,
  LinkButton,
  MediaGrid,
  MediaThumb,
  PageHead,
  Pager,
  PicturePicker,
  TextArea,
} from '../ui/index.tsx'

export interface MediaPageProps {
  frame: Frame
  page: Page<Media>
  counts: { all: number; withoutAlt: number }
  cursor?: string | undefined
  canWrite: boolean
  /** Whether a ComfyUI is connected that draws pictures. */
  generates: boolean
  upload?: Rejected | undefined
  picture?: { id: string; form: Rejected } | undefined
}

/** The media library: every picture with its alt text, which is written right here. */
export function MediaPage(props: MediaPageProps): Html {
  const { frame, page, counts, cursor, canWrite, generates, upload, picture } = props
  const base = `/w/${frame.workspace.slug}/media`
  const onward = cursor ? `?cursor=${encodeURIComponent(cursor)}` : ''
  return (
    <Layout {...frame} title="Media">
      <PageHead
        title="Media"
        note={noteOf(counts)}
        actions={
          generates && (
            <LinkButton href={`${base}/generate`} icon="wand-sparkles">
              Generate
            </LinkButton>
          )
        }
      />
      <div class="column">
        {canWrite && (
          <Form action={base} upload errors={upload?.errors}>
            <PicturePicker
              name="files"
              label="Add pictures"
              hint="JPEG, PNG or WebP, 20 MB together. What a camera writes into them (place, time) is taken out."
              error={upload?.errors.files}
            >
              <Button variant={counts.all === 0 ? 'main' : 'plain'} icon="upload">
                Upload
              </Button>
            </PicturePicker>
          </Form>
        )}
        {page.items.length === 0 ? (
          <EmptyState icon="images" title="No pictures yet">
            {canWrite
              ? 'Add some above. They can then be put into any post.'
              : 'Pictures that the team adds are shown here.'}
          </EmptyState>
        ) : (
          <MediaGrid>
            {page.items.map(media => (
              <Tile
                media={media}
                base={base}
                onward={onward}
                canWrite={canWrite}
                form={picture?.id === media.id ? picture.form : undefined}
              />
            ))}
          </MediaGrid>
        )}
        <Pager
          next={page.next && `${base}?cursor=${encodeURIComponent(page.next)}`}
          first={cursor ? base : null}
        />
      </div>
    </Layout>
  )
}

function noteOf({ all, withoutAlt }: MediaPageProps['counts']): string | undefined {
  if (all === 0) return undefined
  const pictures = all === 1 ? '1 picture' : `${all} pictures`
  return withoutAlt === 0 ? `${pictures}, each described` : `${pictures}, ${withoutAlt} without alt text`
}

function Tile({
  media,
  base,
  onward,
  canWrite,
  form,
}: {
  media: Media
  base: string
  onward: string
  canWrite: boolean
  form: Rejected | undefined
}): Html {
  const own = `${base}/${media.id}`
  const typed = form?.values.alt
  return (
    <MediaThumb
      id={`picture-${media.id}`}
      src={`${own}/file?size=thumbnail`}
      href={`${own}/file`}
      alt={media.alt}
      width={media.width}
      height={media.height}
      editing={canWrite}
      note={
        <>
          {media.name && (
            <>
              <bdi>{media.name}</bdi>
              <br />
            </>
          )}
          <Line parts={[`${media.width} × ${media.height}`, size(media.bytes)]} />
        </>
      }
    >
      {canWrite && (
        <>
          <Form action={`${own}${onward}`} id={`words-${media.id}`}>
            <TextArea
              name="alt"
              id={`alt-${media.id}`}
              label={`Alt text of ${media.name || 'this picture'}`}
              hideLabel
              rows="2"
              maxlength={maxAlt}
              placeholder="What is to be seen?"
              value={typeof typed === 'string' ? typed : media.alt}
              error={form?.errors.alt}
              autofocus={form !== undefined}
            />
          </Form>
          <Buttons>
            <Button size="small" form={`words-${media.id}`}>
              Save
            </Button>
            <Confirm
              label="Remove"
              icon="trash-2"
              size="small"
              question="Take this picture out of the library? Posts that are out keep it."
              action={`${own}/removal${onward}`}
              yes="Remove it"
            />
          </Buttons>
        </>
      )}
    </MediaThumb>
  )
}

function size(bytes: number): string {
  if (bytes < 1024 * 1024) return `${Math.max(1, Math.round(bytes / 1024))} KiB`
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}
