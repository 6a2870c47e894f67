import { Elysia } from 'elysia'
import type { ApiDoor } from '../http/api-door.ts'
import { ListQuery } from '../lib/cursor.ts'
import { putBrakeOn, takeBrakeOff } from './brakes.ts'
import { listBrakes } from './find.ts'
import { NewBrake } from './schema.ts'

export function brakesApi(api: ApiDoor) {
  const tags = ['brakes']
  return new Elysia()
    .post('/brakes', context => api.write(context, scope => putBrakeOn(scope, context.body), 201), {
      body: NewBrake,
      detail: {
        summary: 'Hold what is planned for the workspace, an account, a tag or a word',
        description:
          'Matching posts are held at once, and so is every new one, until the brake is taken off or runs out: after the 201 none of them begins to be sent. `underWay` counts those that were being sent already.',
        tags,
      },
    })
    .get('/brakes', context => api.read(context, scope => listBrakes(scope, context.query)), {
      query: ListQuery,
      detail: { summary: 'Brakes that are or were on, the newest first', tags },
    })
    .delete('/brakes/:id', context => api.write(context, scope => takeBrakeOff(scope, context.params.id)), {
      detail: {
        summary: 'Take a brake off',
        description:
          'What no other brake is on is planned again. Posts whose moment has passed go out at most four a minute and account, the oldest first; those that are too late by now are held as `late` and wait for a word.',
        tags,
      },
    })
}
