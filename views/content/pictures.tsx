import type { ComposerSheet } from '../../src/content/composer.ts'
import { limits } from '../../src/content/schema.ts'
import type { Html } from '../html.ts'
import {
  Button,
  Check,
  Icon,
  LinkButton,
  MediaGrid,
  MediaThumb,
  PicturePicker,
  Select,
  SheetPart,
  TextArea,
} from '../ui/index.tsx'
import type { Errors } from './sheet.tsx'
import { thumbnail } from './words.ts'

/** The pictures of a draft with their words for those who cannot see them, the library, and a way to add more. */
export function PictureParts({
  base,
  sheet,
  here,
  generates,
  errors,
}: {
  base: string
  sheet: ComposerSheet
  here: string
  generates: boolean
  errors: Errors
}): Html {
  const { pictures, library, typed, rights } = sheet
  const room = limits.media - typed.media.length
  return (
    <>
      <SheetPart>
        <input type="hidden" name="_offered" value={sheet.firstPictures.join(' ')} />
        {pictures.length > 0 && (
          <MediaGrid id="pictures" list>
            {pictures.map((picture, at) => (
              <MediaThumb
                src={thumbnail(base, picture.id)}
                alt={typed.alts[picture.id] ?? picture.alt}
                editing
              >
                <TextArea
                  name={`alt.${picture.id}`}
                  id={`f-alt-${picture.id}`}
                  label={`Alt text of picture ${at + 1}`}
                  hideLabel
                  rows="2"
                  placeholder="What is to be seen here?"
                  value={typed.alts[picture.id] ?? picture.alt}
                  error={errors[`alt.${picture.id}`]}
                />
                <div class="thumb-tools">
                  <Check
                    name="media"
                    id={`f-media-${picture.id}`}
                    value={picture.id}
                    label="In this post"
                    checked
                  />
                  {typed.parts.length > 0 && (
                    <Select
                      name={`place.${picture.id}`}
                      id={`f-place-${picture.id}`}
                      label={`Which part shows picture ${at + 1}`}
                      hideLabel
                      value={typed.places[picture.id] ?? '1'}
                      options={placeOptions(typed.parts.length + 1, typed.places[picture.id])}
                    />
                  )}
                  {at > 0 && (
                    <Button
                      size="small"
                      variant="quiet"
                      icon="arrow-left"
                      name="_earlier"
                      value={picture.id}
                      formaction={`${here}/arrangement`}
                    >
                      Earlier
                    </Button>
                  )}
                </div>
              </MediaThumb>
            ))}
          </MediaGrid>
        )}
        {errors.media && <p class="field-error">{errors.media}</p>}
        {rights.upload && room > 0 && (
          <PicturePicker
            name="_pictures"
            label="Add pictures"
            hint="JPEG, PNG, WebP; up to 20 MB"
            error={errors._pictures}
          >
            <Button
              icon="upload"
              data-with-choice="f-_pictures"
              formaction={`${here}/pictures`}
              hx-post={`${here}/pictures`}
              hx-encoding="multipart/form-data"
              hx-trigger="click, change from:#f-_pictures"
              hx-select="#main"
              hx-target="#main"
              hx-swap="outerHTML"
            >
              Upload
            </Button>
            {generates && (
              <LinkButton href={`${base}/media/generate`} variant="quiet" icon="wand-sparkles">
                Generate
              </LinkButton>
            )}
          </PicturePicker>
        )}
      </SheetPart>
      {library.length > 0 && room > 0 && (
        <details class="variant">
          <summary>
            <Icon name="images" />
            <span>Take from the library</span>
            <small>the newest {library.length}</small>
            <Icon name="chevron-down" />
          </summary>
          <SheetPart>
            <MediaGrid>
              {library.map(picture => (
                <MediaThumb src={thumbnail(base, picture.id)} alt={picture.alt}>
                  <Check name="media" id={`f-media-${picture.id}`} value={picture.id} label="Use" />
                </MediaThumb>
              ))}
            </MediaGrid>
          </SheetPart>
        </details>
      )}
    </>
  )
}

/** The parts that a picture can stand in; several at once only where it does already. */
function placeOptions(parts: number, now = '1'): { value: string; label: string }[] {
  const each = Array.from({ length: parts }, (_, at) => ({ value: `${at + 1}`, label: `In part ${at + 1}` }))
  return now.includes(',') ? [{ value: now, label: `In parts ${now.replaceAll(',', ', ')}` }, ...each] : each
}
