import type { Html } from '../html.ts'
import { Icon, Select } from '../ui/index.tsx'
import { minutesWords } from './words.ts'

const limits = [15, 60, 120, 360, 720, 1440, 4320, 10_080, 43_200]

/** How late a post may go out unasked. `usual` is the workspace's, which an empty choice means. */
export function LateSelect({
  name,
  value,
  usual,
  error,
}: {
  name: string
  value?: string | undefined
  usual: number
  error?: string | undefined
}): Html {
  return (
    <Select
      name={name}
      label="Ask if it is later than"
      width="medium"
      blank={`${minutesWords(usual)}, as usual`}
      value={value}
      error={error}
      options={lateOptions(value)}
      optional={false}
    />
  )
}

/** The same, folded away in the composer. */
export function LatePart(props: { name: string; usual: number; error?: string | undefined }): Html {
  return (
    <details class="fold" open={props.error !== undefined}>
      <summary>
        <span>If it is late</span>
        <small>it asks after {minutesWords(props.usual)}</small>
        <Icon name="chevron-down" />
      </summary>
      <div class="form">
        <LateSelect {...props} />
      </div>
    </details>
  )
}

/** The limits one can choose, and the one that is chosen already. */
export function lateOptions(value: string | undefined): { value: string; label: string }[] {
  const own = Number(value)
  const all = own > 0 && !limits.includes(own) ? [...limits, own].sort((a, b) => a - b) : limits
  return all.map(minutes => ({ value: String(minutes), label: minutesWords(minutes) }))
}
