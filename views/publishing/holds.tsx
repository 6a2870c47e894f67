import type { Hold } from '../../src/publishing/sheet.ts'
import type { Html } from '../html.ts'
import { Block, Time, Timeline } from '../ui/index.tsx'

const words: Record<NonNullable<Hold['for']>, string> = {
  approval: 'Held: waits for approval',
  reconnect: 'Held: the account has to be connected again',
  late: 'Held: too late to be sent unasked',
  brake: 'Held by a brake',
}

/** What held a job on its way, and when it was let go: told also once it is out. */
export function Holds({ holds, zone }: { holds: readonly Hold[]; zone: string }): Html | null {
  if (!holds.some(hold => hold.for === 'brake' || hold.for === 'late')) return null
  return (
    <Block title="What held it">
      <Timeline
        label="What held it"
        moments={holds.map(hold => ({
          at: <Time at={hold.at} zone={zone} />,
          tone: 'held',
          icon: hold.for === null ? 'check' : 'pause',
          title: hold.for === null ? 'Let go by the brake, planned again' : words[hold.for],
          children: hold.why && <p>{hold.why}</p>,
        }))}
      />
    </Block>
  )
}
