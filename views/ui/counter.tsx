import { countText, type TextLimits } from '../../src/lib/text.ts'
import type { Html } from '../html.ts'
import { Icon } from './icon.tsx'

/**
 * How much of a platform's length a text takes, counted by that platform's own rule; the same function counts live in
 * the browser. `field` is the id of the textarea it follows. `label` names the account or platform ("Bluesky").
 */
export function Counter({
  text,
  limits,
  field,
  label,
}: {
  text: string
  limits: TextLimits
  field: string
  label: string
}): Html {
  const { count, max, over } = countText(text, limits)
  return (
    <span
      class={['count', over > 0 && 'count-over', over === 0 && count > max * 0.9 && 'count-near']}
      data-count={field}
      data-limits={JSON.stringify(limits)}
      data-label={label}
    >
      <progress max={max} value={Math.min(count, max)} aria-hidden="true" />
      <span class="count-label">{label}</span>
      <span class="num count-words">
        <Icon name="triangle-alert" />
        <span data-count-n>{count}</span> / {max}
      </span>
      <span class="unseen" role="status" data-count-said>
        {over > 0 ? `${label}: ${over} too many` : ''}
      </span>
    </span>
  )
}
