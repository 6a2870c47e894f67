import { Elysia } from 'elysia'
import { z } from 'zod'
import type { ApiDoor } from '../http/api-door.ts'
import { nextFreeSlots, readSlots } from './find.ts'
import { NewSlots } from './schema.ts'
import { addSlots, removeSlot } from './slots.ts'

const account = z.string().optional().describe('Only this account.')
const SlotQuery = z.strictObject({ account })
const FreeQuery = z.strictObject({
  account,
  limit: z.coerce.number({ error: 'must be a number from 1 to 100' }).int().min(1).max(100).default(20),
})

export function slotsApi(api: ApiDoor) {
  const tags = ['slots']
  return new Elysia()
    .get('/slots', context => api.read(context, scope => readSlots(scope, context.query.account)), {
      query: SlotQuery,
      detail: { summary: 'Weekly slots of the accounts, through the week', tags },
    })
    .post(
      '/slots',
      context =>
        api.write(
          context,
          scope => {
            const { account, ...times } = context.body
            return addSlots(scope, account, times)
          },
          201,
        ),
      {
        body: NewSlots,
        detail: {
          summary: 'Give an account a time on days of the week',
          description: 'Answers all slots of that account. One that it has already stays as it is.',
          tags,
        },
      },
    )
    .get('/slots/free', context => api.read(context, scope => nextFreeSlots(scope, context.query)), {
      query: FreeQuery,
      detail: {
        summary: 'The next free slots, at most 62 days ahead',
        description:
          'To take one, schedule or move with `"slot":"next"`: of many who do so at once, each gets another slot.',
        tags,
      },
    })
    .delete(
      '/slots/:id',
      context =>
        api.write(
          context,
          async scope => {
            await removeSlot(scope, context.params.id)
          },
          204,
        ),
      { detail: { summary: 'Remove a slot; what was planned with it stays planned', tags } },
    )
}
