import { Elysia } from 'elysia'
import { z } from 'zod'
import type { ApiDoor } from '../http/api-door.ts'
import { listJobs, readJob } from './find.ts'
import { cancelJob, moveJob, resolveJob } from './moves.ts'
import { readReceipt } from './receipt.ts'
import { scheduleJobs } from './schedule.ts'
import { JobChange, jobStates, Resolution, Schedule } from './schema.ts'
import { readSeal } from './seal-sheet.ts'

const instant = z.iso
  .datetime({ offset: true, error: 'must be a time such as 2026-12-01T08:00:00Z' })
  .transform(text => new Date(text))

export const JobList = z.strictObject({
  state: z
    .preprocess(
      value => (typeof value === 'string' ? value.split(',') : value),
      z.array(z.enum(jobStates, { error: `must be among ${jobStates.join(', ')}` })),
    )
    .optional(),
  account: z.string().optional(),
  from: instant.optional(),
  to: instant.optional(),
  cursor: z.string().optional(),
  limit: z.coerce.number({ error: 'must be a number from 1 to 100' }).int().min(1).max(100).optional(),
})

export function publishingApi(api: ApiDoor) {
  const tags = ['publish jobs']
  return new Elysia()
    .post(
      '/content/:id/publish-jobs',
      context => api.write(context, scope => scheduleJobs(scope, context.params.id, context.body), 201),
      {
        body: Schedule,
        detail: { summary: 'Schedule content to accounts, or publish it now', tags },
      },
    )
    .get('/publish-jobs', context => api.read(context, scope => listJobs(scope, context.query)), {
      query: JobList,
      detail: { summary: 'Publish jobs by planned time', tags },
    })
    .get('/publish-jobs/:id', context => api.read(context, scope => readJob(scope, context.params.id)), {
      detail: { summary: 'One publish job with its attempts', tags },
    })
    .get(
      '/publish-jobs/:id/receipt',
      context => api.read(context, scope => readReceipt(scope, context.params.id)),
      { detail: { summary: 'The receipt of a published post', tags } },
    )
    .get('/content/:id/seal', context => api.read(context, scope => readSeal(scope, context.params.id)), {
      detail: { summary: 'What the approval pinned for each account, and what changed since', tags },
    })
    .patch(
      '/publish-jobs/:id',
      context => api.write(context, scope => moveJob(scope, context.params.id, context.body)),
      {
        body: JobChange,
        detail: { summary: 'Move a job to another moment, or to the next free slot of its account', tags },
      },
    )
    .delete(
      '/publish-jobs/:id',
      context => api.write(context, scope => cancelJob(scope, context.params.id)),
      {
        detail: { summary: 'Cancel a job: after the 200 it does not go out', tags },
      },
    )
    .post(
      '/publish-jobs/:id/resolution',
      context => api.write(context, scope => resolveJob(scope, context.params.id, context.body)),
      {
        body: Resolution,
        detail: { summary: 'Say what became of an unconfirmed job, or try a failed one again', tags },
      },
    )
}
