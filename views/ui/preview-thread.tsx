import type { Html } from '../html.ts'
import type { Child } from '../jsx-runtime.ts'
import { Icon } from './icon.tsx'
import { Pictures, type PreviewImage, Rich } from './preview.tsx'

export interface PreviewPart {
  text: string
  images?: readonly PreviewImage[] | undefined
  /** A `<Counter>`, or how the part stands. */
  note?: Child
}

/** How a post goes on below its preview: its further parts, and its first comment as the last. */
export function PreviewThread({
  parts,
  comment,
}: {
  parts: readonly PreviewPart[]
  comment?: PreviewPart | null | undefined
}): Html | null {
  if (parts.length === 0 && !comment) return null
  const of = parts.length + 1
  return (
    <ol class="preview-thread">
      {parts.map((part, at) => (
        <Part part={part} name={`Part ${at + 2} of ${of}`} />
      ))}
      {comment && <Part part={comment} name="First comment" comment />}
    </ol>
  )
}

function Part({
  part,
  name,
  comment = false,
}: {
  part: PreviewPart
  name: string
  comment?: boolean | undefined
}): Html {
  return (
    <li class={['preview', comment && 'preview-comment']}>
      <p class="preview-where">
        {comment && <Icon name="reply" />}
        <span>{name}</span> {part.note}
      </p>
      <p class="preview-text" dir="auto">
        {part.text ? <Rich text={part.text} /> : <span class="faint">No words yet</span>}
      </p>
      <Pictures images={part.images ?? []} />
    </li>
  )
}
