import type { Html } from '../html.ts'
import type { Child } from '../jsx-runtime.ts'
import { Icon } from './icon.tsx'
import { Pictures, Preview, type PreviewImage, Rich } from './preview.tsx'

export interface PreviewPart {
  text: string
  images?: readonly PreviewImage[] | undefined
  /** A `<Counter>`, or how the part stands. */
  note?: Child
}

/** A post as its network would show it, and how it goes on below: its further parts, and its first comment as the last. */
export function PreviewThread({
  parts,
  comment,
  ...first
}: Parameters<typeof Preview>[0] & {
  parts: readonly PreviewPart[]
  comment?: PreviewPart | null | undefined
}): Html {
  const of = parts.length + 1
  if (of === 1 && !comment) return <Preview {...first} />
  return (
    <div>
      <Preview {...first} />
      <ol class="preview-thread">
        {parts.map((part, at) => (
          <Part part={part} name={`Part ${at + 2} of ${of}`} />
        ))}
        {comment && <Part part={comment} name="First comment" comment />}
      </ol>
    </div>
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
