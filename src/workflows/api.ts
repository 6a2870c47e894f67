import { Elysia } from 'elysia'
import type { ApiDoor } from '../http/api-door.ts'
import { pictureWish } from '../integrations/comfyui-graphs.ts'
import { ListQuery } from '../lib/cursor.ts'
import type { Services } from '../services.ts'
import { listRuns, listWorkflows, readRun, readWorkflow } from './find.ts'
import { startGeneration, startRun } from './runs.ts'
import { NewRun, NewWorkflow, WorkflowChange } from './schema.ts'
import { changeWorkflow, createWorkflow, deleteWorkflow } from './workflows.ts'

export function workflowsApi({ config }: Pick<Services, 'config'>, api: ApiDoor) {
  const tags = ['workflows']
  return new Elysia()
    .get('/workflows', context => api.read(context, scope => listWorkflows(scope, context.query)), {
      query: ListQuery,
      detail: { summary: 'Workflows, newest first', tags },
    })
    .post('/workflows', context => api.write(context, scope => createWorkflow(scope, context.body), 201), {
      body: NewWorkflow,
      detail: { summary: 'Make a workflow; its signing secret is in this answer only', tags },
    })
    .get('/workflows/:id', context => api.read(context, scope => readWorkflow(scope, context.params.id)), {
      detail: { summary: 'One workflow', tags },
    })
    .patch(
      '/workflows/:id',
      context => api.write(context, scope => changeWorkflow(scope, context.params.id, context.body)),
      { body: WorkflowChange, detail: { summary: 'Rename it, change its path, switch it on or off', tags } },
    )
    .delete(
      '/workflows/:id',
      context => api.write(context, scope => deleteWorkflow(scope, context.params.id), 204),
      { detail: { summary: 'Remove a workflow and its runs', tags } },
    )
    .get(
      '/workflows/:id/runs',
      context => api.read(context, scope => listRuns(scope, context.params.id, context.query)),
      { query: ListQuery, detail: { summary: 'Runs of a workflow, newest first', tags } },
    )
    .post(
      '/workflows/:id/runs',
      context => api.write(context, scope => startRun(scope, context.params.id, context.body), 202),
      { body: NewRun, detail: { summary: 'Run a workflow now, with an input of yours or a sample', tags } },
    )
    .get('/runs/:id', context => api.read(context, scope => readRun(scope, context.params.id)), {
      detail: { summary: 'One run of a workflow, or one picture being generated', tags },
    })
    .post(
      '/media/generations',
      context => api.write(context, scope => startGeneration(scope, context.body, config.comfyuiUrl), 202),
      {
        body: pictureWish,
        detail: {
          summary: 'Have a picture generated; follow the run until it names the media',
          tags: ['media'],
        },
      },
    )
}
