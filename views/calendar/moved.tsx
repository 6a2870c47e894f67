import type { Html } from '../html.ts'
import { Toast } from '../ui/index.tsx'

/** What a dropped chip is answered with: the month as it is now, and what became of the wish. */
export function MovedMonth({ month, said, kind }: { month: Html; said: string; kind: 'good' | 'bad' }): Html {
  return (
    <>
      {month}
      <hx-partial hx-target="#toasts" hx-swap="beforeend">
        <Toast kind={kind}>{said}</Toast>
      </hx-partial>
    </>
  )
}
