import type { Html } from '../html.ts'
import type { Child } from '../jsx-runtime.ts'
import { Icon } from './icon.tsx'

/**
 * A picture of the media library or of a draft, with whether it has its words for those who cannot see it.
 * `children` go below: an alt text field, a remove button. `editing` leaves the caption out, because a field shows the words.
 */
export function MediaThumb({
  src,
  alt,
  href,
  width,
  height,
  note,
  children,
  editing = false,
  id,
}: {
  src: string
  alt: string
  href?: string | undefined
  width?: number | undefined
  height?: number | undefined
  note?: Child
  editing?: boolean | undefined
  children?: Child
  id?: string | undefined
}): Html {
  const picture = (
    <img src={src} alt={alt || 'Picture without alt text'} width={width} height={height} loading="lazy" />
  )
  return (
    <figure class="thumb" id={id}>
      {href ? <a href={href}>{picture}</a> : picture}
      <figcaption>
        {alt && editing ? null : alt ? (
          <span class="thumb-alt" dir="auto">
            {alt}
          </span>
        ) : (
          <span class="mark review">
            <Icon name="message-square-warning" /> <span>Alt text missing</span>
          </span>
        )}
        {note && <small>{note}</small>}
      </figcaption>
      {children && <div class="thumb-more">{children}</div>}
    </figure>
  )
}

/** Thumbnails beside each other; with `list` below each other, each with its fields beside it. */
export function MediaGrid({
  children,
  id,
  list = false,
}: {
  children?: Child
  id?: string | undefined
  list?: boolean | undefined
}): Html {
  return (
    <div class={list ? 'media-grid media-list' : 'media-grid'} id={id}>
      {children}
    </div>
  )
}

/**
 * Picks pictures from the device, or takes them as they are dropped on it; a chosen picture is shown at once where
 * scripts run. `multiple` for several. `children`: the buttons at its end.
 */
export function PicturePicker({
  name,
  label,
  hint,
  error,
  accept = 'image/jpeg,image/png,image/webp',
  multiple = true,
  id,
  children,
}: {
  name: string
  label: string
  hint?: Child
  error?: string | undefined
  accept?: string | undefined
  multiple?: boolean | undefined
  id?: string | undefined
  children?: Child
}): Html {
  const own = id ?? `f-${name}`
  return (
    <div class={['picker', error && 'field-bad']}>
      <label for={own}>
        <Icon name="image-plus" /> <span>{label}</span>
      </label>
      <input
        type="file"
        id={own}
        name={name}
        accept={accept}
        multiple={multiple}
        data-preview={`${own}-chosen`}
        aria-describedby={`${own}-hint`}
        aria-invalid={error ? 'true' : undefined}
      />
      {children && <div class="buttons">{children}</div>}
      <p class="field-hint" id={`${own}-hint`}>
        {error ?? hint ?? 'JPEG, PNG or WebP'}
      </p>
      <div class="picker-chosen" id={`${own}-chosen`} aria-live="polite" />
    </div>
  )
}
