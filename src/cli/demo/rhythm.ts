import { approveContent, submitContent } from '../../approvals/approvals.ts'
import { endBrakes, putBrakeOn } from '../../brakes/brakes.ts'
import { createContent } from '../../content/content.ts'
import type { Scope } from '../../db/scope.ts'
import { wallTime } from '../../lib/time.ts'
import { createRecurrence } from '../../recurrences/recurrences.ts'
import type { Services } from '../../services.ts'
import { addSlots } from '../../slots/slots.ts'
import { type Cast, type PersonName, zone } from './cast.ts'

type As = <T>(name: PersonName, work: (scope: Scope) => Promise<T>) => Promise<T>

const cupping =
  'Open cupping this Thursday at five: four coffees, no right answers, bring a spoon or borrow one of ours.'

/** A post that repeats every week, and times of the week at which the feed likes to publish. */
export async function findRhythm(as: As, { accounts }: Cast): Promise<void> {
  const { id } = await as('ines', async scope => {
    const content = await createContent(scope, { text: cupping, tags: ['events'] })
    await submitContent(scope, content.id)
    return content
  })
  await as('cora', scope => approveContent(scope, id))
  await as('bob', async scope => {
    const start = wallTime(new Date(), zone)
      .toPlainDate()
      .add({ days: 1 })
      .toPlainDateTime('11:30')
      .toString({ smallestUnit: 'minute' })
    await createRecurrence(scope, id, {
      accounts: [accounts.board],
      rule: 'FREQ=WEEKLY;BYDAY=WE',
      start: { local: start, zone },
    })
    await addSlots(scope, accounts.feed, { weekdays: [1, 3, 5], local: '08:30' })
    await addSlots(scope, accounts.feed, { weekdays: [6], local: '10:00' })
  })
}

/** An evening on which nothing was said about events, and its end. @param from in milliseconds since 1970 */
export const brakeOf = (services: Services, as: As, { system }: Cast, from: number) => [
  {
    at: from,
    what: () =>
      as('alice', scope =>
        putBrakeOn(scope, {
          scope: 'tag',
          value: 'events',
          reason: 'Storm warning for the harbour: nothing about events until we know more.',
          minutes,
        }),
      ),
  },
  { at: from + (minutes + 1) * 60_000, what: () => services.db.within(system, endBrakes) },
]
const minutes = 120
